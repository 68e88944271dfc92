/** Parts that several answers share. */
import { statSync } from 'node:fs';
import { type JobDir, type JobView, pathOf, readHead, readTail, signalByNumber } from '@kanade/runner';
import { isTerminal, shortJobId } from '@kanade/shared/job-words';
import { sizeOf } from '../answer/ink.ts';
import type { Waiting } from '../call/command.ts';

/** Default bytes per stream in an answer (contract, section 3.2). */
export const excerptBytes = 65_536;

/** Default lines of a tail (contract, section 3.6). */
export const tailLines = 50;

export function headsOf(job: JobDir, bytesMax: number): Record<string, unknown> {
  return excerptFields(readHead(pathOf(job, 'stdout'), bytesMax), readHead(pathOf(job, 'stderr'), bytesMax));
}

export function tailsOf(job: JobDir, bytesMax: number, lines: number): Record<string, unknown> {
  return excerptFields(
    readTail(pathOf(job, 'stdout'), bytesMax, lines),
    readTail(pathOf(job, 'stderr'), bytesMax, lines),
  );
}

function excerptFields(
  stdout: ReturnType<typeof readHead>,
  stderr: ReturnType<typeof readHead>,
): Record<string, unknown> {
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

/** What a job has printed so far, in bytes. */
export const logBytesOf = (job: JobDir): number =>
  (['stdout', 'stderr'] as const).reduce(
    (sum, stream) => sum + (statSync(pathOf(job, stream), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );

/** What the line on a terminal says of a job that is waited for. */
export const waitingFor = (job: JobDir): Waiting => ({
  what: shortJobId(job.id),
  how: () => `${sizeOf(logBytesOf(job))} printed`,
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
