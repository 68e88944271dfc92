/** The pure half of a report: how a run ended, from what became of it. */
import { resultInlineBytesMax, syntheticExits, timeoutSeconds } from '@kanade/shared/fleet';
import type { Ending } from '@kanade/shared/job-words';
import type { RunStatus } from '@kanade/shared/local';
import {
  type Aftermath,
  type JobOutcome,
  leftAlive,
  type Outcome,
  type Printed,
  type Refusal,
  type Retried,
  type Run,
  type RunEnd,
  type Stopper,
} from '../run/model.ts';
import { readChunk } from './read-chunk.ts';

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

/** Text of ours in the place of output. */
const said = (text: string): Printed => ({ text, isWhole: true, bytes: 0 });

/** What tells the story where no exit code does, behind what else there is to say. */
function noted(note: string | undefined, ...before: (string | undefined)[]): Pick<RunEnd, 'notes' | 'note'> {
  const notes = [...before, note].filter((line) => line !== undefined);
  return note === undefined ? { notes } : { notes, note };
}

const nothingRan = (nowMs: number) => ({
  skipped: false,
  stdout: said(''),
  stderr: said(''),
  notes: [],
  startedAtMs: nowMs,
  endedAtMs: nowMs,
});

/** The end of a run that a gate refused. */
function endOfRefusal({ gate, message }: Refusal, nowMs: number): RunEnd {
  const { code, skipped } = syntheticExits[gate];
  return {
    ...nothingRan(nowMs),
    ...(gate === 'no_exit_code' ? noted(message) : { stderr: said(`${message}\n`) }),
    ending: { kind: 'not_started', reason: message },
    status: 'failed',
    exitCode: code,
    skipped,
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
    stderr: said(`outcome unknown: ${reason}\n`),
  };
}

/** The same end without what was printed, for an outbox that has no room for more; what stays in files needs none there. */
export function withoutOutput(end: RunEnd): RunEnd {
  const cut = (printed: Printed): Printed => {
    if (!printed.isWhole || printed.text === '') return printed;
    const bytes = Buffer.byteLength(printed.text);
    return said(`[kanade] output left out: too many results wait for the broker (${bytes} bytes)\n`);
  };
  return { ...end, stdout: cut(end.stdout), stderr: cut(end.stderr) };
}

/** The end of a run with what the steps behind it made of it. */
export function withAftermath(end: RunEnd, aftermath: Aftermath | undefined): RunEnd {
  if (!aftermath) return end;
  const { stdout, notes, collectObject, uploads } = aftermath;
  return {
    ...end,
    notes: [...end.notes, ...notes],
    ...(stdout === undefined ? {} : { stdout: said(stdout) }),
    ...(collectObject === undefined ? {} : { collectObject }),
    ...(uploads === undefined ? {} : { uploads }),
  };
}

/** The end of a run that was stopped before its processes existed. */
function endBeforeLaunch(run: Run, by: Stopper, nowMs: number): RunEnd {
  const note = `${killNote(run, by)} before it was started`;
  return {
    ...nothingRan(nowMs),
    ending: { kind: 'killed', by },
    status: 'killed',
    exitCode: syntheticExits.no_exit_code.code,
    ...noted(note),
  };
}

/** The end of a run from its settled job and what it printed. */
function endOfJob(run: Run, job: JobOutcome, nowMs: number): RunEnd {
  const ending = endingOf(job);
  const startedAtMs = job.startedAtMs ?? job.state?.started_at_ms ?? nowMs;
  const note = noteOf(run, ending, job);
  return {
    ending,
    status: statusOf(ending),
    exitCode: exitCodeOf(ending),
    skipped: false,
    jobId: job.jobId,
    stdout: printedOn('stdout', job),
    stderr: printedOn('stderr', job),
    ...noted(note, heldNote(ending, job), retryNote(run, ending, job.retried)),
    stop: job.stop,
    startedAtMs,
    endedAtMs: endedAt(job, startedAtMs, nowMs),
  };
}

/** Nobody waits for ever for what a script left behind, and what that prints later is in no result. Whoever was stopped has left nothing on purpose. */
function heldNote({ kind }: Ending, { state }: JobOutcome): string | undefined {
  return state?.logs_held && (kind === 'exited' || kind === 'signaled')
    ? '[agent: output capture ended early: a process that the script left running may still print]'
    : undefined;
}

/** How the last attempt ended; stopped between two, the run was killed all the same. */
function endingOf({ state, retried }: JobOutcome): Ending {
  if (retried?.stoppedBy) return { kind: 'killed', by: retried.stoppedBy };
  return state?.ending ?? { kind: 'lost', reason: 'its record cannot be read' };
}

/** What became of the attempts behind the first. */
function retryNote({ command }: Run, ending: Ending, retried: Retried | undefined): string | undefined {
  if (!retried) return undefined;
  const { count, refusal } = retried;
  const after = `after ${count} retries`;
  if (refusal) return `failed ${after}; not tried again: ${refusal.message}`;
  if (ending.kind === 'exited' && ending.exitCode === 0) return `succeeded ${after}`;
  if (ending.kind === 'killed') return `stopped by ${ending.by === 'operator' ? 'remote kill' : ending.by} ${after}`;
  if (ending.kind === 'lost' || ending.kind === 'not_started') return `ended ${after}`;
  return `failed ${after}${count === command.retry?.max ? ' exhausted' : ''}`;
}

/**
 * The output of one stream, or why it cannot be read: an ending that is known is told all the same. No more of it is read than a
 * message carries; the rest stays where it is until it is on its way.
 */
function printedOn(stream: 'stdout' | 'stderr', { read }: JobOutcome): Printed {
  try {
    const { text, totalBytes } = read(stream, 0, resultInlineBytesMax);
    if (totalBytes <= resultInlineBytesMax) return { text, isWhole: true, bytes: totalBytes };
    const head = readChunk((from, bytesMax) => read(stream, from, bytesMax), 0, resultInlineBytesMax);
    return { text: head.text, isWhole: false, bytes: totalBytes };
  } catch (error) {
    return said(`[kanade] ${stream} cannot be read: ${error instanceof Error ? error.message : String(error)}\n`);
  }
}

/** To the millisecond where the duration is known, else to the second. */
export function endedAt({ state, retried }: JobOutcome, startedAtMs: number, nowMs: number): number {
  if (retried?.stoppedBy) return nowMs;
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

const killNote = ({ execId, runId }: Run, by: 'user' | 'operator' | 'shutdown'): string =>
  by === 'operator' ? `killed by remote signal (kill.${execId ?? runId})` : `killed by ${by}`;

/** A text with lines of ours behind it. */
export function withNotes(text: string, notes: readonly string[]): string {
  if (notes.length === 0) return text;
  return `${text === '' || text.endsWith('\n') ? text : `${text}\n`}${notes.join('\n')}\n`;
}
