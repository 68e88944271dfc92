/* What every page is shown, and the stream by which each is told. */
import type { ServerResponse } from 'node:http';
import type { StateSnapshot } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import { foldRuns, type RunView } from '../run/run.ts';
import type { AgentConnection, BoardView, PageEvent } from '../wire/page-event.ts';
import type { AgentEvent } from './link.ts';

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
  let connection: AgentConnection = { phase: 'connecting' };
  let snapshot: StateSnapshot | undefined;
  let runs: readonly RunView[] = [];
  const listeners = new Set<(event: PageEvent) => void>();
  const isShownActive = (runId: string): boolean => runs.some((run) => run.run_id === runId && !isEnded(run.status));
  const view = (): BoardView => ({ connection, snapshot, runs });
  const publish = (event: PageEvent): void => {
    if (event.type === 'connection') connection = event.connection;
    if (event.type === 'snapshot') snapshot = event.snapshot;
    runs = foldRuns(runs, event);
    for (const listener of listeners) listener(event);
  };
  return {
    view,
    receive(event) {
      if (event.type === 'progress') publish({ ...event, at: now() });
      else if (event.type !== 'ended') publish(event);
      else if (isShownActive(event.progress.run_id)) publish({ type: 'progress', progress: event.progress, at: now() });
    },
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

export interface EventStreamLimits {
  /** Bytes waiting for a page that reads too slowly; beyond, its stream is cut and it starts afresh. Defaults to 64 MiB, room for a replay of full runs. */
  readonly waitingBytesMax: number;
  /** A comment is sent this often, in ms, so that neither side takes a quiet stream for a dead one. Defaults to 15 s. */
  readonly heartbeatMs: number;
}

export const eventStreamLimits: EventStreamLimits = { waitingBytesMax: 64 * 1024 * 1024, heartbeatMs: 15_000 };

/** Sends the board's events as server-sent events until the page goes or `signal` aborts. */
export function streamEvents(
  board: Board,
  response: ServerResponse,
  { limits, signal }: { limits: EventStreamLimits; signal: AbortSignal },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const write = (text: string): void => {
    if (response.writableLength > limits.waitingBytesMax) response.destroy();
    else response.write(text);
  };
  const heartbeat = setInterval(() => write(': still here\n\n'), limits.heartbeatMs);
  const unfollow = board.follow((event) => write(encodeEvent(event)));
  const hangUp = (): void => {
    response.end();
  };
  signal.addEventListener('abort', hangUp, { once: true });
  response.once('close', () => {
    clearInterval(heartbeat);
    unfollow();
    signal.removeEventListener('abort', hangUp);
  });
}

/** JSON has no raw line break, so one `data` line holds any event. */
function encodeEvent(event: PageEvent): string {
  return `data: ${JSON.stringify(event)}\n\n`;
}
