/** How a job stands: the states that there are, and which one its facts make. Pure: the same facts at the same time give the same answer. */
import { type Ending, isTerminal, type JobState, wholeSecond } from '@kanade/shared/job-words';
import type { ProcessIdentity } from '../process/identity.ts';
import type { ShimRecord } from '../process/spawn.ts';
import type { Survivor } from '../process/survivors.ts';
import type { JobDir, MetaFile, OmittedRanges, StateFile, StopFile, StopRequest } from '../record/layout.ts';

/**
 * What is known of one job, see `settle.ts`. Each is found out when it is asked for, at most once: of a job that ended long ago only the state is
 * read. Whether its process lives is seen before the record is read: the shim writes the record before it exits, so a dead
 * shim without an ending in it has none.
 */
export interface JobFacts {
  readonly job: JobDir;
  /** Undefined when `state.json` is missing or damaged. */
  readonly state: StateFile | undefined;
  readonly meta: MetaFile | undefined;
  /** When `meta.json` was written, in ms since 1970. */
  readonly metaWrittenAtMs: number | undefined;
  /** `full.log`, the last file of a launch, is there. */
  readonly hasFullLog: boolean;
  readonly record: ShimRecord;
  /** When the record was made and last written, in ms since 1970. */
  readonly recordTimes: { readonly bornAtMs: number; readonly writtenAtMs: number };
  readonly stop: StopFile | undefined;
  /** When that was written, in ms since 1970, by the clock that times the record. */
  readonly stopWrittenAtMs: number | undefined;
  readonly omitted: OmittedRanges | undefined;
  /** The process that the state names; `taken`: a live one has its pid, and more is not known. */
  readonly process: 'alive' | 'gone' | 'other-boot' | 'taken' | 'none';
  /** The shim that the record names, for a state that names none; `leads`: it is a live leader of its group. */
  readonly shim: { readonly identity: ProcessIdentity | undefined; readonly leads: boolean };
  /** Processes of an ended job that live on. */
  readonly left: readonly Survivor[];
}

/** How a job stands, and what of it is not on disk yet. */
export interface Decision {
  readonly status: JobState;
  readonly state: StateFile | undefined;
  /** The state is news: it has to be written. */
  readonly isNews: boolean;
  /** When it ended, in ms since 1970, where that is news. */
  readonly endedAtMs?: number;
}

/**
 * How far a file's time may be behind what happened, in ms. It is the kernel's last clock tick: 4 ms ago at 250 Hz, tens of ms where a
 * virtual machine misses ticks. An end that seems to be further before its start is a clock that was set back.
 */
export const fileClockLagMs = 1_000;

/** How long a launch may be under way before it counts as cut off, in ms (contract, section 1.4). */
export const launchMsMax = 5_000;

/**
 * How long after the end of its root process the output of a job's other processes belongs to it, in ms (contract, sections
 * 1.5 and 7.5). An ending is complete when nobody holds the logs any more, or this time is over.
 */
export const drainMsMax = 2_000;

/**
 * Where a job stands. A `running` state that carries no identity was written by the ancestor: it is only judged, never news.
 */
export function decideEnding(facts: JobFacts, nowMs: number): Decision {
  const { state } = facts;
  if (!state) return decideWithoutState(facts, nowMs);
  if (isTerminal(state.job.status)) return decideEnded(facts, state, nowMs);
  if (state.job.status === 'created') return decideCreated(facts, state, nowMs);
  if (!state.identity) return stands(facts.process === 'taken' ? 'running' : 'unknown', state);
  const { process, record } = facts;
  if (record.kind === 'ended') return finish(facts, state, { record, nowMs });
  if (process === 'alive') return stands('running', state);
  const reason =
    process === 'gone' ? 'its shim was killed before it could record the ending' : 'the machine was restarted';
  return lose(facts, state, { reason, nowMs });
}

const stands = (status: JobState, state: StateFile | undefined): Decision => ({ status, state, isNews: false });

/**
 * A missing state is a launch that is under way, or was cut off, as long as `full.log`, the last file of a launch, is
 * missing too. Afterwards it is damage.
 */
function decideWithoutState(facts: JobFacts, nowMs: number): Decision {
  const unknown = stands('unknown', undefined);
  if (facts.hasFullLog) return unknown;
  const { metaWrittenAtMs } = facts;
  const createdAtMs = Date.parse(facts.meta?.created_at ?? '');
  if (metaWrittenAtMs === undefined || Number.isNaN(createdAtMs)) return unknown;
  // A definition that was written by hand, or copied, is no launch.
  const isFresh = nowMs - Math.min(metaWrittenAtMs, createdAtMs) <= launchMsMax;
  const decision = decideCreated(facts, createdState(facts.job, metaWrittenAtMs), nowMs);
  return decision.status === 'created' && !isFresh ? unknown : decision;
}

/** A launcher that died between starting the shim and writing `running` leaves a record with the pid. */
function decideCreated(facts: JobFacts, state: StateFile, nowMs: number): Decision {
  const { record } = facts;
  if (record.kind === 'empty') return stands('created', state);
  const running = runningState(facts.job, {
    pid: record.pid,
    identity: facts.shim.identity,
    startedAtMs: facts.recordTimes.bornAtMs,
  });
  if (record.kind === 'ended') return finish(facts, running, { record, nowMs });
  if (facts.shim.leads) return { status: 'running', state: running, isNews: true };
  return lose(facts, running, { reason: 'its launcher and its shim were killed', nowMs });
}

/** An ending that others still print to is completed when they are done, or their time is over. */
function decideEnded(facts: JobFacts, state: StateFile, nowMs: number): Decision {
  const { status } = state.job;
  if (state.logs_drained || !state.identity || !state.ending) return stands(status, state);
  if (!isDrained(facts, nowMs)) return stands(status, state);
  const complete = { ...state, logs_drained: true, ...leftIn(facts, true) };
  return { status, state: complete, isNews: true, endedAtMs: endedAtOf(facts, state) };
}

function isDrained(facts: JobFacts, nowMs: number): boolean {
  const sinceMs = nowMs - facts.recordTimes.writtenAtMs;
  // An end that lies ahead is a clock that was set back: then nobody is waited for.
  return sinceMs < -drainMsMax || sinceMs >= drainMsMax || !hasHolder(facts);
}

const hasHolder = ({ left }: JobFacts): boolean => left.some(({ holdsLogs }) => holdsLogs);

/** What lives on is named, and whether it could print on when its time was over. */
function leftIn(facts: JobFacts, isOver: boolean): Pick<StateFile, 'left_running' | 'logs_held'> {
  const { left } = facts;
  if (left.length === 0) return {};
  const named = { left_running: left.map(({ identity }) => identity) };
  return isOver && hasHolder(facts) ? { ...named, logs_held: true } : named;
}

interface Finished {
  readonly record: ShimRecord & { readonly kind: 'ended' };
  readonly nowMs: number;
}

function finish(facts: JobFacts, state: StateFile, { record, nowMs }: Finished): Decision {
  const { stop, omitted } = facts;
  const endedAtMs = endedAtOf(facts, state);
  const signal = signalOf(record, stop);
  const status = signal === undefined ? 'exited' : 'killed';
  const ending = endingOf(record.status, signal, timelyStop(facts));
  const limit = ending.kind === 'killed' ? stop?.log_limit : undefined;
  const isOver = isDrained(facts, nowMs);
  const ended: StateFile = {
    ...state,
    job: { ...state.job, status },
    result: {
      exit_code: signal === undefined ? record.status : null,
      signal: signal === undefined ? null : String(signal),
      duration_ms: durationOf(state, endedAtMs),
    },
    finished_at: wholeSecond(endedAtMs),
    updated_at: wholeSecond(endedAtMs),
    logs_drained: isOver,
    ending,
    ...leftIn(facts, isOver),
    ...(omitted ? { log_omitted: omitted } : {}),
    ...(limit === undefined
      ? {}
      : { log_limit: limit, error: `stopped: its logs had grown beyond the limit of ${limit} bytes` }),
  };
  return { status, state: ended, isNews: true, endedAtMs };
}

/**
 * The stop that was asked for before the end. Like is compared with like: the times of both files come from one clock, so what was
 * written first is never younger. By the clock of whoever asked, a stop may seem later than the end that it made, but not earlier.
 */
function timelyStop({ stop, stopWrittenAtMs, recordTimes: { writtenAtMs } }: JobFacts): StopFile | undefined {
  if (!stop) return undefined;
  const isTimely = stop.at_ms <= writtenAtMs || (stopWrittenAtMs !== undefined && stopWrittenAtMs <= writtenAtMs);
  return isTimely ? stop : undefined;
}

/** When it ended, in ms since 1970: no sooner than what its end followed, though the file's time may lag behind that. */
function endedAtOf(facts: JobFacts, { started_at_ms: startedAtMs = 0 }: StateFile): number {
  const { writtenAtMs } = facts.recordTimes;
  const beforeMs = Math.max(startedAtMs, timelyStop(facts)?.at_ms ?? 0);
  return beforeMs - writtenAtMs > fileClockLagMs ? writtenAtMs : Math.max(writtenAtMs, beforeMs);
}

/** At least 1 ms: whatever ran took time. */
function durationOf({ started_at_ms: startedAtMs }: StateFile, endedAtMs: number): number {
  return Math.max(1, Math.round(endedAtMs - (startedAtMs ?? endedAtMs)));
}

function lose(facts: JobFacts, state: StateFile, { reason, nowMs }: { reason: string; nowMs: number }): Decision {
  const lost: StateFile = { ...lostState(state, { reason, nowMs }), ...leftIn(facts, true) };
  return { status: 'failed', state: lost, isNews: true, endedAtMs: nowMs };
}

/** The signal that ended the workload. Where the shell reports none, a stop that we sent with that signal decides. */
export function signalOf(
  record: { status: number; reported: boolean },
  stop: StopRequest | undefined,
): number | undefined {
  if (record.status <= 128) return undefined;
  const signal = record.status - 128;
  return record.reported || stop?.signal_number === signal ? signal : undefined;
}

/** The ending from what was observed and who had asked for a stop, if anybody. */
export function endingOf(status: number, signal: number | undefined, stop: StopRequest | undefined): Ending {
  const how = signal === undefined ? { exitCode: status } : { signal };
  const asked = stop && (stop.intent === 'stop' || stop.signal_number === signal);
  if (!stop || !asked)
    return signal === undefined ? { kind: 'exited', exitCode: status } : { kind: 'signaled', signal };
  return stop.by === 'timeout' ? { kind: 'timed_out', ...how } : { kind: 'killed', by: stop.by, ...how };
}

const noResult: StateFile['result'] = { exit_code: null, signal: null, duration_ms: null };

/** Defined, not started. */
export function createdState(job: JobDir, nowMs: number): StateFile {
  return {
    job: { id: job.id, status: 'created' },
    result: noResult,
    updated_at: wholeSecond(nowMs),
    logs_drained: true,
  };
}

/** The state of a job whose shim has this pid and leads its session and process group. */
export function runningState(
  job: JobDir,
  { pid, identity, startedAtMs }: { pid: number; identity: ProcessIdentity | undefined; startedAtMs: number },
): StateFile {
  return {
    job: { id: job.id, status: 'running', started_at: wholeSecond(startedAtMs) },
    result: noResult,
    pid,
    updated_at: wholeSecond(startedAtMs),
    logs_drained: true,
    ...(identity ? { identity } : {}),
    started_at_ms: startedAtMs,
  };
}

/** Never started, with the reason. */
export function failedState(job: JobDir, reason: string): StateFile {
  const now = wholeSecond(Date.now());
  return {
    job: { id: job.id, status: 'failed' },
    result: noResult,
    finished_at: now,
    updated_at: now,
    logs_drained: true,
    ending: { kind: 'not_started', reason },
    error: reason,
  };
}

/** The state of a job whose ending nobody can know any more. */
export function lostState(state: StateFile, { reason, nowMs }: { reason: string; nowMs: number }): StateFile {
  const now = wholeSecond(nowMs);
  return {
    ...state,
    job: { ...state.job, status: 'failed' },
    result: noResult,
    finished_at: now,
    updated_at: now,
    logs_drained: true,
    ending: { kind: 'lost', reason },
    error: `how it ended is not known: ${reason}`,
  };
}
