import { useEffect, useMemo, useReducer } from 'preact/hooks';
import { type Api, ApiError, createApi } from '../api/api.ts';
import { readEvents } from '../api/event-frames.ts';
import { forgetKey } from '../api/session-key.ts';
import { catalogueVersion, type PageAction, type PageState, reducePage, startState } from './page-state.ts';

export interface PageActions {
  start(jobId: string): Promise<void>;
  /** Resolves to false when the agent could not be asked. */
  stop(runId: string): Promise<boolean>;
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

  const version = catalogueVersion(state);
  useEffect(() => {
    if (!api || state.connection.phase !== 'connected') return;
    const leaving = new AbortController();
    const { signal } = leaving;
    api.listJobs({ signal }).then(
      (jobs) => dispatch({ type: 'jobs', jobs }),
      (error) => signal.aborted || dispatch(failureOf(error)),
    );
    return () => leaving.abort();
  }, [api, version]);

  const actions = useMemo(() => createActions(api, dispatch), [api]);
  return [state, actions];
}

function createActions(api: Api | undefined, dispatch: (action: PageAction) => void): PageActions {
  const attempt = async (act: () => Promise<void> | undefined): Promise<boolean> => {
    try {
      await act();
      dispatch({ type: 'failure', failure: undefined });
      return true;
    } catch (error) {
      dispatch(failureOf(error));
      const jobs = await api?.listJobs().catch(() => undefined);
      if (jobs) dispatch({ type: 'jobs', jobs });
      return false;
    }
  };
  return {
    async start(jobId) {
      await attempt(() => api?.start(jobId));
    },
    stop: (runId) => attempt(() => api?.stop(runId)),
    dismissFailure: () => dispatch({ type: 'failure', failure: undefined }),
  };
}

/** Follows the server's events until `signal` aborts; every new stream starts with everything, so nothing is missed. */
async function followEvents(api: Api, dispatch: (action: PageAction) => void, signal: AbortSignal): Promise<void> {
  let waitMs = retryMs.first;
  while (!signal.aborted) {
    try {
      for await (const event of readEvents(await api.events({ signal }))) {
        waitMs = retryMs.first;
        dispatch({ type: 'event', event });
      }
    } catch (error) {
      if (error instanceof ApiError && error.code === 'no_session') {
        forgetKey();
        return dispatch({ type: 'server', server: 'locked' });
      }
    }
    if (signal.aborted) return;
    dispatch({ type: 'server', server: 'gone' });
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(waitMs * 2, retryMs.last);
  }
}

function failureOf(error: unknown): PageAction {
  if (error instanceof ApiError) return { type: 'failure', failure: { code: error.code, message: error.message } };
  return { type: 'failure', failure: { code: 'unexpected', message: String(error) } };
}
