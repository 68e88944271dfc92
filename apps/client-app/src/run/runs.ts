/* The runs as they are shown: what an event means to them. Server and page fold the same events by the same functions. */
import type { JobProgress, RunStatus } from '@kanade/shared/local';
import { isEnded } from '@kanade/shared/local-words';
import { appendOutput, emptyOutput, endOutput, finalOutput, type Output, placeOutput, resumeOutput } from './output.ts';

/** Runs kept and shown. The oldest finished one makes room for a new one. */
export const runCountMax = 30;

/** What an event of the page means to the runs. */
export type RunEvent =
  | { readonly type: 'all'; readonly runs: readonly RunView[] }
  | { readonly type: 'connection'; readonly connection: { readonly phase: string } }
  | { readonly type: 'stopping'; readonly run_id: string }
  | ProgressEvent
  | { readonly type: 'snapshot' | 'offered' | 'offers' | 'notice' | 'recalled' | 'acked' | 'grants' };

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
    default:
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
  /** When something was last heard of it. */
  readonly heard_at: string;
  readonly finished_at?: string;
  readonly exit_code?: number;
  /** A policy kept it from starting. */
  readonly skipped?: boolean;
  /** Somebody asked for its stop and it has not ended yet. */
  readonly stopping: boolean;
  /** The line to the agent broke since its last push. */
  readonly isInterrupted: boolean;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** A run nothing is known of but that it was asked for at `at` (RFC 3339). */
function newRun(run_id: string, at: string): RunView {
  return {
    run_id,
    status: 'queued',
    started_at: at,
    heard_at: at,
    stopping: false,
    isInterrupted: false,
    stdout: emptyOutput,
    stderr: emptyOutput,
  };
}

/**
 * The run after one push that arrived at `at` (RFC 3339). Deltas append; the last push carries the full output and
 * replaces it. A delta that comes after the end is late and changes nothing.
 */
function applyProgress(run: RunView, progress: JobProgress, at: string): RunView {
  const ending = isEnded(progress.status);
  if (isEnded(run.status) && !ending) return run;
  const { isInterrupted } = run;
  const take = (output: Output, chunk = '', from: number | undefined): Output => {
    if (ending) return from === undefined || from === 0 ? finalOutput(output, chunk) : endOutput(chunk, from);
    if (from !== undefined && chunk !== '') return placeOutput(output, chunk, { from, isInterrupted });
    return isInterrupted ? resumeOutput(output, chunk) : appendOutput(output, chunk);
  };
  const next: RunView = {
    ...run,
    status: progress.status === 'unknown' ? run.status : progress.status,
    job_id: progress.job_id ?? run.job_id,
    started_at: progress.started_at ?? run.started_at,
    heard_at: at,
    isInterrupted: false,
    stdout: take(run.stdout, progress.stdout_chunk, progress.stdout_from),
    stderr: take(run.stderr, progress.stderr_chunk, progress.stderr_from),
  };
  if (!ending) return next;
  const { exit_code, skipped, finished_at = at } = progress;
  return { ...next, stopping: false, exit_code, finished_at, ...(skipped ? { skipped } : {}) };
}
