/*
 * What is shown: the line to the agent, what the machine says of itself, the runs, the notifications. Server and page fold the same events
 * by the same functions.
 */
import type { JobProgress, LocalNotification, StateSnapshot, UnlockGrant } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import type { AgentConnection, AgentOffers } from '../wire/page-event.ts';
import { foldNotices, inNoticeOrder, type NoticeEvent } from './notices.ts';
import { foldRuns, type ProgressEvent, type RunView } from './runs.ts';

/** What the agent says by itself. */
export type AgentEvent =
  | { readonly type: 'connection'; readonly connection: AgentConnection }
  | { readonly type: 'snapshot'; readonly snapshot: StateSnapshot }
  | { readonly type: 'progress'; readonly progress: JobProgress }
  /** How the last run of a job ended, asked for on every new connection: its end may have been pushed while there was none. */
  | { readonly type: 'ended'; readonly progress: JobProgress }
  | { readonly type: 'offered' }
  | OffersEvent
  | NoticeEvent
  | GrantsEvent;

/** What this agent can do beyond jobs and state, once per connection; what it does not name is not there. */
export interface OffersEvent {
  readonly type: 'offers';
  readonly offers: AgentOffers;
  readonly notices: readonly LocalNotification[];
  readonly grants: readonly UnlockGrant[];
}

/** What support codes have opened for this person, all of it. */
export interface GrantsEvent {
  readonly type: 'grants';
  readonly grants: readonly UnlockGrant[];
}

/** One message of `GET /api/events`. The first after connecting is `all`; the others change what it said. */
export type PageEvent =
  | ({ readonly type: 'all' } & BoardView)
  | { readonly type: 'connection'; readonly connection: AgentConnection }
  | { readonly type: 'snapshot'; readonly snapshot: StateSnapshot }
  | ProgressEvent
  | { readonly type: 'stopping'; readonly run_id: string }
  | { readonly type: 'offered' }
  | OffersEvent
  | NoticeEvent
  | GrantsEvent;

/** Everything the page shows that is not the catalogue. */
export interface BoardView {
  readonly connection: AgentConnection;
  readonly snapshot?: StateSnapshot | undefined;
  readonly runs: readonly RunView[];
  readonly offers: AgentOffers;
  readonly notices: readonly LocalNotification[];
  readonly grants: readonly UnlockGrant[];
  /** How often the agent has said that its catalogue is another one. */
  readonly offeredCount: number;
}

/** What is known before anybody has said anything. */
export const emptyBoard: BoardView = {
  connection: { phase: 'connecting' },
  runs: [],
  offers: { notifications: false, support: false, log: false, diagnostics: false },
  notices: [],
  grants: [],
  offeredCount: 0,
};

/** The board after one event. */
export function foldBoard(board: BoardView, event: PageEvent): BoardView {
  switch (event.type) {
    case 'all': {
      const { type: _, ...view } = event;
      return view;
    }
    case 'connection':
      return { ...board, connection: event.connection, runs: foldRuns(board.runs, event) };
    case 'snapshot':
      return { ...board, snapshot: event.snapshot };
    case 'progress':
    case 'stopping':
      return { ...board, runs: foldRuns(board.runs, event) };
    case 'offers':
      return { ...board, offers: event.offers, notices: inNoticeOrder(event.notices), grants: event.grants };
    case 'grants':
      return { ...board, grants: event.grants };
    case 'offered':
      return { ...board, offeredCount: board.offeredCount + 1 };
    default:
      return { ...board, notices: foldNotices(board.notices, event) };
  }
}

/** Everything known of the agent and of the runs, kept so that a page that opens later sees what an earlier one saw. */
export interface Board {
  view(): BoardView;
  /** Takes in what the agent said and passes it on. */
  receive(event: AgentEvent): void;
  /** A job was started here; its first push may come before or after this. */
  started(runId: string, jobId: string): void;
  stopping(runId: string): void;
  /** Calls `listener` with `all` at once and with every change from then on, until the returned function is called. */
  follow(listener: (event: PageEvent) => void): () => void;
}

export interface BoardOptions {
  /** Time of the events, RFC 3339. Defaults to the system's clock. */
  now?: () => string;
}

export function createBoard({ now = () => new Date().toISOString() }: BoardOptions = {}): Board {
  let view = emptyBoard;
  const listeners = new Set<(event: PageEvent) => void>();
  const find = (runId: string): RunView | undefined => view.runs.find((run) => run.run_id === runId);
  const publish = (event: PageEvent): void => {
    view = foldBoard(view, event);
    for (const listener of listeners) listener(event);
  };
  const progressed = (progress: JobProgress): void => publish({ type: 'progress', progress, at: now() });
  return {
    view: () => view,
    receive(event) {
      if (event.type === 'progress') return progressed(event.progress);
      if (event.type !== 'ended') return publish(event);
      const run = find(event.progress.run_id);
      if (run && !isEnded(run.status)) progressed(event.progress);
    },
    started(runId, jobId) {
      const known = find(runId);
      if (known?.job_id !== undefined) return;
      progressed({ run_id: runId, job_id: jobId, status: known?.status ?? 'queued' });
    },
    stopping: (runId) => publish({ type: 'stopping', run_id: runId }),
    follow(listener) {
      listener({ type: 'all', ...view });
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
