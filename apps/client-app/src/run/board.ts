/*
 * What is shown: the line to the agent, and the runs, each with what is kept of its output. Server and page fold the same events by the
 * same functions.
 */
import type { JobProgress, RunStatus, StateSnapshot } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import type { AgentConnection } from '../wire/page-event.ts';

/** What the agent says by itself. */
export type AgentEvent =
  | { readonly type: 'connection'; readonly connection: AgentConnection }
  | { readonly type: 'snapshot'; readonly snapshot: StateSnapshot }
  | { readonly type: 'progress'; readonly progress: JobProgress }
  /** How the last run of a job ended, asked for on every new connection: its end may have been pushed while there was none. */
  | { readonly type: 'ended'; readonly progress: JobProgress };

/** One message of `GET /api/events`. The first after connecting is `all`; the others change what it said. */
export type PageEvent =
  | ({ readonly type: 'all' } & BoardView)
  | { readonly type: 'connection'; readonly connection: AgentConnection }
  | { readonly type: 'snapshot'; readonly snapshot: StateSnapshot }
  | ProgressEvent
  | { readonly type: 'stopping'; readonly run_id: string };

/** Everything the page shows that is not the catalogue. */
export interface BoardView {
  readonly connection: AgentConnection;
  readonly snapshot?: StateSnapshot;
  readonly runs: readonly RunView[];
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

/** Runs kept and shown. The oldest finished one makes room for a new one. */
export const runCountMax = 30;

/** What an event of the page means to the runs. */
export type RunEvent =
  | { readonly type: 'all'; readonly runs: readonly RunView[] }
  | { readonly type: 'connection'; readonly connection: { readonly phase: string } }
  | { readonly type: 'snapshot' }
  | { readonly type: 'stopping'; readonly run_id: string }
  | ProgressEvent;

/** A push of the agent, and when it came (RFC 3339). */
export interface ProgressEvent {
  readonly type: 'progress';
  readonly progress: JobProgress;
  readonly at: string;
}

/** The runs after one event, newest last. Server and page use this one function, so that both show the same. */
export function foldRuns(runs: readonly RunView[], event: RunEvent): readonly RunView[] {
  switch (event.type) {
    case 'all':
      return event.runs;
    case 'progress':
      return foldProgress(runs, event);
    case 'stopping':
      return changeActive(runs, (run) => (run.run_id === event.run_id ? { ...run, stopping: true } : run));
    case 'connection':
      // What the agent says of a run after a break may start over; see `resumeOutput`.
      if (event.connection.phase === 'connected') return runs;
      return changeActive(runs, (run) => ({ ...run, isInterrupted: true }));
    case 'snapshot':
      return runs;
  }
}

/** Active ones first, the newest on top of each part. */
export function inReadingOrder(runs: readonly RunView[]): readonly RunView[] {
  return [...runs].sort(
    (a, b) =>
      Number(isEnded(a.status)) - Number(isEnded(b.status)) || Date.parse(b.started_at) - Date.parse(a.started_at),
  );
}

function foldProgress(runs: readonly RunView[], { progress, at }: ProgressEvent): readonly RunView[] {
  const isKnown = runs.some((run) => run.run_id === progress.run_id);
  if (!isKnown) return addRun(runs, applyProgress(newRun(progress.run_id, at), progress, at));
  return runs.map((run) => (run.run_id === progress.run_id ? applyProgress(run, progress, at) : run));
}

function changeActive(runs: readonly RunView[], change: (run: RunView) => RunView): readonly RunView[] {
  return runs.map((run) => (isEnded(run.status) ? run : change(run)));
}

/** With every place taken by a running one the new one is left out: what is shown stays bounded, the run itself goes on. */
function addRun(runs: readonly RunView[], run: RunView): readonly RunView[] {
  if (runs.length < runCountMax) return [...runs, run];
  const oldestEnded = runs.findIndex((one) => isEnded(one.status));
  return oldestEnded === -1 ? runs : [...runs.filter((_, index) => index !== oldestEnded), run];
}

/** One run as the page shows it. Server and page fold the same pushes into it, so that both agree. */
export interface RunView {
  readonly run_id: string;
  readonly job_id?: string;
  readonly status: RunStatus;
  readonly started_at: string;
  readonly finished_at?: string;
  readonly exit_code?: number;
  /** Somebody asked for its stop and it has not ended yet. */
  readonly stopping: boolean;
  /** The line to the agent broke since its last push. */
  readonly isInterrupted: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** A run nothing is known of but that it was asked for at `at` (RFC 3339). */
export function newRun(run_id: string, at: string, job_id?: string): RunView {
  const run: RunView = {
    run_id,
    status: 'queued',
    started_at: at,
    stopping: false,
    isInterrupted: false,
    stdout: emptyOutput,
    stderr: emptyOutput,
  };
  return job_id === undefined ? run : { ...run, job_id };
}

/**
 * The run after one push that arrived at `at` (RFC 3339). Deltas append; the last push carries the full output and
 * replaces it. A delta that comes after the end is late and changes nothing.
 */
export function applyProgress(run: RunView, progress: JobProgress, at: string): RunView {
  const ending = isEnded(progress.status);
  if (isEnded(run.status) && !ending) return run;
  const take = ending ? finalOutput : run.isInterrupted ? resumeOutput : appendOutput;
  const next: RunView = {
    ...run,
    status: progress.status === 'unknown' ? run.status : progress.status,
    job_id: progress.job_id ?? run.job_id,
    started_at: progress.started_at ?? run.started_at,
    isInterrupted: false,
    stdout: take(run.stdout, progress.stdout_chunk ?? ''),
    stderr: take(run.stderr, progress.stderr_chunk ?? ''),
  };
  if (!ending) return next;
  return { ...next, stopping: false, exit_code: progress.exit_code, finished_at: progress.finished_at ?? at };
}

/** What is kept of one output stream: its end, and how much of its beginning is gone. */
export interface Output {
  readonly text: string;
  readonly droppedChars: number;
}

/**
 * Characters kept per stream. The agent's last push holds 256 KiB and a line that says it was cut; 1 KiB more lets
 * that pass whole.
 */
export const outputCharsMax = 257 * 1024;

export const emptyOutput: Output = { text: '', droppedChars: 0 };

/** Adds a delta at the end; what no longer fits is dropped at the beginning, up to the next line if that is near. */
export function appendOutput(output: Output, chunk: string): Output {
  if (chunk === '') return output;
  const text = output.text + chunk;
  if (text.length <= outputCharsMax) return { ...output, text };
  const from = cutPoint(text, text.length - outputCharsMax);
  return { text: text.slice(from), droppedChars: output.droppedChars + from };
}

/**
 * Takes the first delta after the line to the agent broke. An agent that hands a live run back sends its output from
 * the start; one that does not goes on where it is. Until the last push, which is right in any case, this is a guess.
 */
export function resumeOutput(output: Output, chunk: string): Output {
  const isReplay = output.droppedChars === 0 && chunk.startsWith(output.text);
  return appendOutput(isReplay ? emptyOutput : output, chunk);
}

/** The full output of the last push replaces the streamed one, unless it is empty or cut and the streamed one is longer. */
export function finalOutput(streamed: Output, full: string): Output {
  const streamedChars = streamed.text.length + streamed.droppedChars;
  if (full === '' || (isCut(full) && streamedChars > full.length)) return streamed;
  return appendOutput(emptyOutput, full);
}

function isCut(text: string): boolean {
  return text.slice(-200).includes('...[truncated: output exceeded');
}

const lineSearchChars = 4096;

function cutPoint(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  if (newline !== -1 && newline - from < lineSearchChars) return newline + 1;
  const unit = text.charCodeAt(from);
  const isLowSurrogate = unit >= 0xdc00 && unit <= 0xdfff;
  return isLowSurrogate ? from + 1 : from;
}
