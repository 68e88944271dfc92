import type { StateSnapshot } from '@kanade/shared/local';
import type { Run } from '../run/run.ts';
import { foldRuns } from '../run/run-list.ts';
import type { BoardView, Connection, PageEvent } from '../wire/page-event.ts';
import type { LinkEvent } from './agent-link.ts';

/** Everything known of the agent and of the runs, kept so that a page that opens later sees what an earlier one saw. */
export interface Board {
  view(): BoardView;
  /** Takes in what the agent said and passes it on. */
  receive(event: LinkEvent): void;
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
  let connection: Connection = { phase: 'connecting' };
  let snapshot: StateSnapshot | undefined;
  let runs: readonly Run[] = [];
  const listeners = new Set<(event: PageEvent) => void>();
  const view = (): BoardView => ({ connection, snapshot, runs });
  const publish = (event: PageEvent): void => {
    if (event.type === 'connection') connection = event.connection;
    if (event.type === 'snapshot') snapshot = event.snapshot;
    runs = foldRuns(runs, event);
    for (const listener of listeners) listener(event);
  };
  return {
    view,
    receive: (event) => publish(event.type === 'progress' ? { ...event, at: now() } : event),
    started(runId, jobId) {
      const known = runs.find((run) => run.run_id === runId);
      const status = known?.status ?? 'queued';
      if (known?.job_id === undefined) {
        publish({ type: 'progress', progress: { run_id: runId, job_id: jobId, status }, at: now() });
      }
    },
    stopping: (runId) => publish({ type: 'stopping', run_id: runId }),
    follow(listener) {
      listener({ type: 'all', ...view() });
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
