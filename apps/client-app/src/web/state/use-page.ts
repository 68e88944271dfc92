import type { DiagnosticsPreview, DiagnosticsResult } from '@kanade/shared/local';
import { useEffect, useMemo, useReducer } from 'preact/hooks';
import type { PageEvent } from '../../run/board.ts';
import type { AgentLog, DiagnosticsWords } from '../../wire/page-event.ts';
import { type Api, ApiError, createApi } from '../api/api.ts';
import { readEvents } from '../api/event-frames.ts';
import { forgetKey } from '../api/session-key.ts';
import type { AskOutput } from '../runs/whole-output.ts';
import { onReturn } from './on-return.ts';
import { createPace } from './pace.ts';
import { failureAction, type PageFailure, pageFailure } from './page-failure.ts';
import { type PageAction, type PageState, reducePage, startState } from './page-state.ts';
import { useCatalogue } from './use-catalogue.ts';
import { whileSeen } from './while-seen.ts';

export interface PageActions {
  start(jobId: string): Promise<void>;
  /** Resolves to false when the agent could not be asked. */
  stop(runId: string): Promise<boolean>;
  acknowledge(id: string): Promise<boolean>;
  withdraw(id: string): Promise<boolean>;
  /** Resolves to why the code opened nothing, or to undefined when it did. */
  unlock(code: string): Promise<PageFailure | undefined>;
  lock(): Promise<boolean>;
  /** Resolves to what would be sent to whoever helps, or to why it could not be made. */
  previewDiagnostics(words: DiagnosticsWords): Promise<DiagnosticsPreview | PageFailure>;
  /** Sends what was shown; resolves to where it is, or to why it could not be sent. */
  sendDiagnostics(preview: string): Promise<DiagnosticsResult | PageFailure>;
  /** Rejects with {@link ApiError}. */
  readLog(): Promise<AgentLog>;
  /** A part of what a run has printed. Rejects with {@link ApiError}. */
  readonly readOutput: AskOutput;
  /** Says that something the reader wanted cannot be. */
  fail(code: string): void;
  /** Reads the catalogue again. */
  refreshJobs(): void;
  dismissFailure(): void;
}

/** Waits between attempts to reach the page's own server, in ms: doubled from the first to the last. */
const retryMs = { first: 500, last: 10_000 };

/** The state of the page, kept current, and what the reader may do. Without a key the page is locked. */
export function usePage(sessionKey: string | undefined): readonly [PageState, PageActions] {
  const [state, dispatch] = useReducer(reducePage, startState);
  const api = useMemo(() => (sessionKey === undefined ? undefined : createApi(sessionKey)), [sessionKey]);

  useEffect(() => {
    if (!api) return dispatch({ type: 'server', server: 'locked' });
    const leaving = new AbortController();
    followEvents(api, dispatch, leaving.signal);
    return () => leaving.abort();
  }, [api]);

  useCatalogue(api, state, dispatch);
  const actions = useMemo(() => createActions(api, dispatch), [api]);
  return [state, actions];
}

function createActions(api: Api | undefined, dispatch: (action: PageAction) => void): PageActions {
  const starting = new Set<string>();
  const attempt = async (act: () => Promise<void> | undefined): Promise<boolean> => {
    try {
      await act();
      dispatch({ type: 'failure', failure: undefined });
      return true;
    } catch (error) {
      dispatch(failureAction(error));
      const offered = await api?.listJobs().catch(() => undefined);
      if (offered) dispatch({ type: 'jobs', offered });
      return false;
    }
  };
  return {
    async start(jobId) {
      // A second click may come before the first is drawn.
      if (starting.has(jobId)) return;
      starting.add(jobId);
      await attempt(() => api?.start(jobId));
      starting.delete(jobId);
    },
    stop: (runId) => attempt(() => api?.stop(runId)),
    acknowledge: (id) => attempt(() => api?.acknowledge(id)),
    withdraw: (id) => attempt(() => api?.withdraw(id)),
    lock: () => attempt(() => api?.lock()),
    async unlock(code) {
      try {
        await api?.unlock(code);
        return undefined;
      } catch (error) {
        return pageFailure(error);
      }
    },
    previewDiagnostics: (words) => orWhy(api?.previewDiagnostics(words)),
    sendDiagnostics: (preview) => orWhy(api?.sendDiagnostics(preview)),
    readOutput(query) {
      if (!api) throw new ApiError('gone', 'no session');
      return api.readOutput(query);
    },
    readLog: async () => (await api?.readLog()) ?? { lines: [], truncated: false },
    refreshJobs() {
      api?.listJobs().then(
        (offered) => dispatch({ type: 'jobs', offered }),
        (error) => dispatch(failureAction(error)),
      );
    },
    fail: (code) => dispatch({ type: 'failure', failure: { code, message: code } }),
    dismissFailure: () => dispatch({ type: 'failure', failure: undefined }),
  };
}

/** What was asked for, or why it cannot be had. */
async function orWhy<T>(asked: Promise<T> | undefined): Promise<T | PageFailure> {
  try {
    return (await asked) ?? pageFailure(new ApiError('gone', 'no session'));
  } catch (error) {
    return pageFailure(error);
  }
}

/** Follows the server's events, while somebody sees the page, until `signal` aborts; every new stream starts with everything, so nothing is missed. */
async function followEvents(api: Api, dispatch: (action: PageAction) => void, signal: AbortSignal): Promise<void> {
  const pace = createPace<PageEvent>((events) => {
    for (const event of events) dispatch({ type: 'event', event });
  });
  let waitMs = retryMs.first;
  while (!signal.aborted) {
    const seen = await whileSeen(signal);
    try {
      for await (const event of readEvents(await api.events({ signal: seen.signal }))) {
        waitMs = retryMs.first;
        pace.add(event);
      }
    } catch (error) {
      if (error instanceof ApiError && error.code === 'no_session') {
        forgetKey();
        return dispatch({ type: 'server', server: 'locked' });
      }
    } finally {
      seen.end();
    }
    if (signal.aborted) return;
    pace.flush();
    if (seen.signal.aborted) continue;
    dispatch({ type: 'server', server: 'gone' });
    await pause(waitMs);
    waitMs = Math.min(waitMs * 2, retryMs.last);
  }
}

/** Waits, but not for somebody who comes back to the page, or for a machine that wakes up. */
function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const forget = onReturn(end);
    const timer = setTimeout(end, waitMs);
  });
}
