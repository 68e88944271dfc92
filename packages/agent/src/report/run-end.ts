/** The end of a run, whatever ended it, and what the fleet is told of it. Pure. */
import { type EventStarted, type ExecResult, syntheticExits, timeoutSeconds } from '@kanade/shared/fleet';
import type { Ending } from '@kanade/shared/job-words';
import type { RunStatus } from '@kanade/shared/local';
import type { JobEnd, Refusal, Run, RunEnd, Stopper } from '../run/model.ts';

/** The end of a run that a gate refused. */
export function endOfRefusal({ gate, message }: Refusal, nowMs: number): RunEnd {
  const { code, skipped } = syntheticExits[gate];
  return {
    ending: { kind: 'not_started', reason: message },
    status: 'failed',
    exitCode: code,
    skipped,
    stdout: '',
    stderr: `${message}\n`,
    startedAtMs: nowMs,
    endedAtMs: nowMs,
  };
}

/** The end of a run that we could not carry out: nothing was started, or nobody saw how what was started ended. */
export function endOfFault(error: unknown, startedAtMs: number | undefined, nowMs: number): RunEnd {
  const reason = error instanceof Error ? error.message : String(error);
  if (startedAtMs !== undefined) return { ...endOfUnknown(reason, nowMs), startedAtMs };
  return endOfRefusal({ gate: 'no_exit_code', message: `not started: ${reason}` }, nowMs);
}

/** The end of a run of which nobody knows whether it was started, or how it ended: never a success, never run again. */
export function endOfUnknown(reason: string, nowMs: number): RunEnd {
  return {
    ending: { kind: 'lost', reason },
    status: 'failed',
    exitCode: syntheticExits.outcome_unknown.code,
    skipped: false,
    stdout: '',
    stderr: `outcome unknown: ${reason}\n`,
    startedAtMs: nowMs,
    endedAtMs: nowMs,
  };
}

/** The same end without what was printed, for an outbox that has no room for more. */
export function withoutOutput(end: RunEnd): RunEnd {
  const cut = (text: string): string =>
    text === ''
      ? ''
      : `[kanade] output left out: too many results wait for the broker (${Buffer.byteLength(text)} bytes)\n`;
  return { ...end, stdout: cut(end.stdout), stderr: cut(end.stderr) };
}

/** The end of a run that was stopped before its processes existed. */
export function endBeforeLaunch(run: Run, by: Stopper, nowMs: number): RunEnd {
  return {
    ending: { kind: 'killed', by },
    status: 'killed',
    exitCode: syntheticExits.no_exit_code.code,
    skipped: false,
    stdout: '',
    stderr: `${killNote(run, by)} before it was started\n`,
    startedAtMs: nowMs,
    endedAtMs: nowMs,
  };
}

/** The end of a run from its settled job and what it printed. */
export function endOfJob(run: Run, job: JobEnd): RunEnd {
  const { state, nowMs } = job;
  const ending: Ending = state?.ending ?? { kind: 'lost', reason: 'its record cannot be read' };
  const startedAtMs = job.startedAtMs ?? state?.started_at_ms ?? nowMs;
  const note = noteOf(run, ending);
  return {
    ending,
    status: statusOf(ending),
    exitCode: exitCodeOf(ending),
    skipped: false,
    stdout: job.stdout,
    stderr: note === undefined ? job.stderr : `${lineEnded(job.stderr)}${note}\n`,
    startedAtMs,
    endedAtMs: endedAt(job, startedAtMs),
  };
}

/** To the millisecond where the duration is known, else to the second. */
function endedAt({ state, nowMs }: JobEnd, startedAtMs: number): number {
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
function noteOf(run: Run, ending: Ending): string | undefined {
  switch (ending.kind) {
    case 'exited':
      return undefined;
    case 'signaled':
      return `[agent: ended by signal ${ending.signal}]`;
    case 'timed_out':
      return `timeout after ${timeoutSeconds(run.command)}s`;
    case 'killed':
      return killNote(run, ending.by);
    case 'not_started':
      return `not started: ${ending.reason}`;
    case 'lost':
      return `agent restarted during execution; outcome unknown: ${ending.reason}`;
  }
}

function killNote({ execId }: Run, by: 'user' | 'operator' | 'shutdown'): string {
  return by === 'operator' ? `killed by remote signal (kill.${execId})` : `killed by ${by}`;
}

const lineEnded = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`);

const instant = (ms: number): string => new Date(ms).toISOString();

/** The result of a run as it goes to the fleet. Runs that people started have no `exec_id`. */
export function resultOf(run: Run, end: RunEnd): ExecResult {
  return {
    result_id: run.runId,
    request_id: run.requestId,
    ...(run.execId === null ? {} : { exec_id: run.execId }),
    pc_id: run.pcId,
    exit_code: end.exitCode,
    skipped: end.skipped,
    stdout: end.stdout,
    stderr: end.stderr,
    started_at: instant(end.startedAtMs),
    finished_at: instant(end.endedAtMs),
    manifest_id: run.command.id,
    ending: end.ending.kind,
  };
}

/** The event that a run has begun; only operators' orders have one. */
export function startedOf(run: Run, startedAtMs: number): EventStarted | undefined {
  if (run.execId === null) return undefined;
  return {
    result_id: run.runId,
    request_id: run.requestId,
    exec_id: run.execId,
    pc_id: run.pcId,
    started_at: instant(startedAtMs),
    manifest_id: run.command.id,
    version: run.command.version,
  };
}
