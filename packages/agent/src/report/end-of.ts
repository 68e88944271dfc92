/** The pure half of a report: how a run ended, from what became of it. */
import type { Excerpt } from '@kanade/runner';
import { syntheticExits, timeoutSeconds } from '@kanade/shared/fleet';
import type { Ending } from '@kanade/shared/job-words';
import type { RunStatus } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import {
  type Aftermath,
  type JobOutcome,
  leftAlive,
  type Outcome,
  type Refusal,
  type Run,
  type RunEnd,
  type Stopper,
} from '../run/model.ts';

/** How a run ended, from what became of it. Never throws: output that cannot be read is said to be so. */
export function endOf(run: Run, outcome: Outcome, nowMs: number): RunEnd {
  switch (outcome.kind) {
    case 'refused':
      return endOfRefusal(outcome.refusal, nowMs);
    case 'stopped':
      return endBeforeLaunch(run, outcome.by, nowMs);
    case 'fault':
      return endOfFault(outcome.error, outcome.startedAtMs, nowMs);
    case 'unknown':
      return endOfUnknown(outcome.reason, nowMs);
    case 'job':
      return endOfJob(run, outcome, nowMs);
  }
}

const nothingRan = (nowMs: number) => ({ skipped: false, stdout: '', startedAtMs: nowMs, endedAtMs: nowMs });

/** The end of a run that a gate refused. */
function endOfRefusal({ gate, message }: Refusal, nowMs: number): RunEnd {
  const { code, skipped } = syntheticExits[gate];
  return {
    ...nothingRan(nowMs),
    ...(gate === 'no_exit_code' ? { note: message } : {}),
    ending: { kind: 'not_started', reason: message },
    status: 'failed',
    exitCode: code,
    skipped,
    stderr: `${message}\n`,
  };
}

/** The end of a run that we could not carry out: nothing was started, or nobody saw how what was started ended. */
function endOfFault(error: unknown, startedAtMs: number | undefined, nowMs: number): RunEnd {
  const reason = error instanceof Error ? error.message : String(error);
  if (startedAtMs !== undefined) return { ...endOfUnknown(reason, nowMs), startedAtMs };
  return endOfRefusal({ gate: 'no_exit_code', message: `not started: ${reason}` }, nowMs);
}

/** The end of a run of which nobody knows whether it was started, or how it ended: never a success, never run again. */
function endOfUnknown(reason: string, nowMs: number): RunEnd {
  return {
    ...nothingRan(nowMs),
    ending: { kind: 'lost', reason },
    status: 'failed',
    exitCode: syntheticExits.outcome_unknown.code,
    stderr: `outcome unknown: ${reason}\n`,
  };
}

/** The same end without what was printed, for an outbox that has no room for more. */
export function withoutOutput(end: RunEnd): RunEnd {
  const cut = (text: string): string =>
    text === ''
      ? ''
      : `[kanade] output left out: too many results wait for the broker (${Buffer.byteLength(text)} bytes)\n`;
  return { ...end, stdout: cut(end.stdout), stderr: withNote(cut(end.stderr), end.note) };
}

/** The end of a run with what the steps behind it made of it. */
export function withAftermath(end: RunEnd, aftermath: Aftermath | undefined): RunEnd {
  if (!aftermath) return end;
  const { stdout = end.stdout, notes, collectObject } = aftermath;
  const told = notes.length === 0 ? end : { ...end, stderr: withNote(end.stderr, notes.join('\n')) };
  return { ...told, stdout, ...(collectObject === undefined ? {} : { collectObject }) };
}

/** The end of a run that was stopped before its processes existed. */
function endBeforeLaunch(run: Run, by: Stopper, nowMs: number): RunEnd {
  const note = `${killNote(run, by)} before it was started`;
  return {
    ...nothingRan(nowMs),
    ending: { kind: 'killed', by },
    status: 'killed',
    exitCode: syntheticExits.no_exit_code.code,
    stderr: `${note}\n`,
    note,
  };
}

/** The end of a run from its settled job and what it printed. */
function endOfJob(run: Run, job: JobOutcome, nowMs: number): RunEnd {
  const ending: Ending = job.state?.ending ?? { kind: 'lost', reason: 'its record cannot be read' };
  const startedAtMs = job.startedAtMs ?? job.state?.started_at_ms ?? nowMs;
  const note = noteOf(run, ending, job);
  return {
    ending,
    status: statusOf(ending),
    exitCode: exitCodeOf(ending),
    skipped: false,
    stdout: printedOn('stdout', job),
    stderr: withNote(printedOn('stderr', job), note),
    ...(note === undefined ? {} : { note }),
    stop: job.stop,
    startedAtMs,
    endedAtMs: endedAt(job, startedAtMs, nowMs),
  };
}

/** The output of one stream, or why it cannot be read: an ending that is known is told all the same. */
function printedOn(stream: 'stdout' | 'stderr', { read }: JobOutcome): string {
  try {
    return readCapped((from, bytesMax) => read(stream, from, bytesMax));
  } catch (error) {
    return `[kanade] ${stream} cannot be read: ${error instanceof Error ? error.message : String(error)}\n`;
  }
}

/** To the millisecond where the duration is known, else to the second. */
function endedAt({ state }: JobOutcome, startedAtMs: number, nowMs: number): number {
  const { result, started_at_ms = startedAtMs, finished_at } = state ?? {};
  if (result && result.duration_ms !== null) return Math.max(startedAtMs, started_at_ms + result.duration_ms);
  return finished_at === undefined ? nowMs : Math.max(startedAtMs, Date.parse(finished_at));
}

function exitCodeOf(ending: Ending): number {
  if (ending.kind === 'exited') return ending.exitCode;
  return ending.kind === 'lost' ? syntheticExits.outcome_unknown.code : syntheticExits.no_exit_code.code;
}

function statusOf(ending: Ending): RunStatus {
  if (ending.kind === 'killed') return 'killed';
  return ending.kind === 'exited' && ending.exitCode === 0 ? 'completed' : 'failed';
}

/** What people read at the end of stderr when no exit code tells the story. */
function noteOf(run: Run, ending: Ending, { stop }: JobOutcome): string | undefined {
  switch (ending.kind) {
    case 'exited':
      return undefined;
    case 'signaled':
      return `[agent: ended by signal ${ending.signal}]`;
    case 'timed_out':
      return `timeout after ${timeoutSeconds(run.command)}s`;
    case 'killed':
      return `${killNote(run, ending.by)}${leftAlive(stop)}`;
    case 'not_started':
      return `not started: ${ending.reason}`;
    case 'lost':
      return `agent restarted during execution; outcome unknown: ${ending.reason}`;
  }
}

const killNote = ({ execId }: Run, by: 'user' | 'operator' | 'shutdown'): string =>
  by === 'operator' ? `killed by remote signal (kill.${execId})` : `killed by ${by}`;

export function withNote(text: string, note: string | undefined): string {
  if (note === undefined) return text;
  return `${text === '' || text.endsWith('\n') ? text : `${text}\n`}${note}\n`;
}

/**
 * The output of one stream as it goes into a result: whole up to `bytesMax`, else its first two thirds, a note, and its
 * last third. Reads only what it returns.
 */
export function readCapped(
  read: (from: number, bytesMax: number) => Excerpt,
  bytesMax: number = limits.outputBytesMax,
): string {
  const tailBytes = Math.floor(bytesMax / 3);
  const headBytes = bytesMax - tailBytes;
  // As one text while it fits, so that a character at the seam survives.
  const whole = read(0, bytesMax);
  if (whole.totalBytes <= bytesMax) return whole.text;
  const head = read(0, headBytes);
  const tail = read(whole.totalBytes - tailBytes, tailBytes);
  const dropped = whole.totalBytes - headBytes - tailBytes;
  const kept = `kept the first ${headBytes} and last ${tailBytes}`;
  return `${head.text}\n[kanade] output truncated: ${whole.totalBytes} bytes written, ${dropped} dropped (${kept})\n${tail.text}`;
}
