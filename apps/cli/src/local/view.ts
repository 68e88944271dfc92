/** Parts that several answers share. */
import {
  type Excerpt,
  type JobDir,
  type Jobs,
  type JobView,
  openJobs,
  type RootLimits,
  signalByNumber,
} from '@kanade/runner';
import { isTerminal, shortJobId } from '@kanade/shared/job-words';
import { sizeOf } from '../answer/ink.ts';
import type { Context, Waiting } from '../call/command.ts';

/** Default bytes per stream in an answer (contract, section 3.2). */
export const excerptBytes = 65_536;

/** Default lines of a tail (contract, section 3.6). */
export const tailLines = 50;

/** The jobs of this call; their keeper is a process of its own, because this call comes and goes. */
export const jobsOf = ({ root, io }: Pick<Context, 'root' | 'io'>, limits?: RootLimits): Jobs =>
  openJobs(root, { keeper: 'process', env: io.env, ...(limits ? { limits } : {}) });

export const headsOf = (jobs: Jobs, job: JobDir, bytesMax: number): Record<string, unknown> =>
  excerptFields(jobs.head(job, 'stdout', bytesMax), jobs.head(job, 'stderr', bytesMax));

export function tailsOf(jobs: Jobs, job: JobDir, bytesMax: number, lines: number): Record<string, unknown> {
  const window = { bytesMax, lines };
  return excerptFields(jobs.tail(job, 'stdout', window), jobs.tail(job, 'stderr', window));
}

function excerptFields(stdout: Excerpt, stderr: Excerpt): Record<string, unknown> {
  return {
    stdout: stdout.text,
    stderr: stderr.text,
    encoding: 'utf-8-lossy',
    stdout_range: stdout.range,
    stderr_range: stderr.range,
    stdout_total_bytes: stdout.totalBytes,
    stderr_total_bytes: stderr.totalBytes,
  };
}

/** What the line on a terminal says of a job that is waited for. */
export const waitingFor = (jobs: Jobs, job: JobDir): Waiting => ({
  what: shortJobId(job.id),
  how: () => `${sizeOf(jobs.describe(job).logBytes)} printed`,
});

/** `exit_code` when the process returned one. */
export function exitCodeOf({ state }: JobView): { exit_code?: number } {
  return typeof state?.result.exit_code === 'number' ? { exit_code: state.result.exit_code } : {};
}

/** How the job ended: contract fields, then ours (`signal_number`, `ending`, `error`). Empty while it runs. */
export function endingOf(view: JobView): Record<string, unknown> {
  const { state } = view;
  if (!state || !isTerminal(view.status)) return {};
  const signal = signalFields(view);
  return {
    ...exitCodeOf(view),
    ...(state.finished_at ? { finished_at: state.finished_at } : {}),
    ...(signal ? { signal: signal.name, signal_number: signal.number } : {}),
    ...(typeof state.result.duration_ms === 'number' ? { duration_ms: state.result.duration_ms } : {}),
    ...reasonOf(view),
  };
}

/** Why it ended as it did, where that is known: the kind of ending, who asked for it, what went wrong. */
export function reasonOf({ state }: JobView): Record<string, unknown> {
  const by = state?.ending && 'by' in state.ending ? { ended_by: state.ending.by } : {};
  return {
    ...(state?.ending ? { ending: state.ending.kind, ...by } : {}),
    ...(state?.error ? { error: state.error } : {}),
  };
}

/** The signal that ended the job, by name where this system has one. */
export function signalFields({ state }: JobView): { name: string; number: number } | undefined {
  const text = state?.result.signal;
  if (typeof text !== 'string') return undefined;
  const number = Number(text);
  return { name: signalByNumber(number)?.name ?? text, number };
}
