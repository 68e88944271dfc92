/**
 * Settling: whoever looks at a job first after its end turns the shim's record into the terminal `state.json`. All
 * lookers compute the same content from the same record, and the file is replaced whole, so it does not matter how
 * many do it at once or how often.
 *
 * A `running` state that carries no identity was written by the ancestor: it is only probed, never rewritten.
 */
import { closeSync, existsSync, statSync } from 'node:fs';
import { isTerminal, type JobState, type StoredState, wholeSecond } from '@kanade/shared/job';
import { completeLineLog } from '../output/line-log.ts';
import { endingOf, signalOf } from '../process/ending.ts';
import { bootId, isAlive, readProcess } from '../process/identity.ts';
import { parseShimRecord, type ShimRecord } from '../process/shim.ts';
import { errnoOf } from './job-error.ts';
import { dropControlGroup } from './job-group.ts';
import { type JobDir, pathOf } from './layout.ts';
import { readMeta, readOmitted, readSmallFile, readState, readStop, type StateFile } from './record.ts';
import { openForAppending, pretty, replaceFileIfRoom } from './replace-file.ts';
import { createdState, lostState, runningState } from './state-record.ts';

/** File times come from a clock that ticks coarsely: a record may look older than the stop that caused it, in ms. */
const clockSlackMs = 15;

/** A job as it stands now. `state` is undefined when `state.json` is missing or damaged; `status` is then `unknown`. */
export interface JobView {
  readonly job: JobDir;
  readonly status: JobState;
  readonly state: StateFile | undefined;
}

/** Looks at a job, and writes its ending when that has become known, unless the disk takes nothing. */
export function settle(job: JobDir): JobView {
  const state = readState(job);
  if (!state) return settleWithoutState(job);
  if (isTerminal(state.job.status)) return { job, status: state.job.status, state };
  if (state.job.status === 'created') return settleCreated(job, state);
  if (!state.identity) return { job, status: isPidTaken(state.pid) ? 'running' : 'unknown', state };
  // Alive first, record second: the shim writes the record before it exits, so a dead shim without one has none.
  const alive = isAlive(state.identity);
  const record = readRecord(job);
  if (record.kind === 'ended') return finish(job, state, record);
  if (alive) return { job, status: 'running', state };
  const reason =
    state.identity.boot === bootId()
      ? 'its shim was killed before it could record the ending'
      : 'the machine was restarted';
  return lose(job, state, reason);
}

/** How long a launch may be under way before it counts as cut off, in ms (contract, section 1.4). */
const launchMsMax = 5_000;

/**
 * A missing state is a launch that is under way, or was cut off, as long as `full.log`, the last file of a launch, is
 * missing too. Afterwards it is damage.
 */
function settleWithoutState(job: JobDir): JobView {
  const unknown: JobView = { job, status: 'unknown', state: undefined };
  if (existsSync(pathOf(job, 'full'))) return unknown;
  const writtenAtMs = statSync(pathOf(job, 'meta'), { throwIfNoEntry: false })?.mtimeMs;
  const createdAtMs = Date.parse(readMeta(job)?.created_at ?? '');
  if (writtenAtMs === undefined || Number.isNaN(createdAtMs)) return unknown;
  // A definition that was written by hand, or copied, is no launch.
  const isFresh = Date.now() - Math.min(writtenAtMs, createdAtMs) <= launchMsMax;
  const view = settleCreated(job, createdState(job, writtenAtMs));
  return view.status === 'created' && !isFresh ? unknown : view;
}

/** A launcher that died between starting the shim and writing `running` leaves a record with the pid. */
function settleCreated(job: JobDir, state: StateFile): JobView {
  const record = readRecord(job);
  if (record.kind === 'empty') return { job, status: 'created', state };
  const startedAtMs = statSync(pathOf(job, 'record')).birthtimeMs;
  const running = runningState(job, record.pid, { startedAtMs });
  if (record.kind === 'ended') return finish(job, running, record);
  if (running.identity && readProcess(record.pid)?.group === record.pid) {
    const view = write(job, running);
    return { ...view, status: 'running' };
  }
  return lose(job, running, 'its launcher and its shim were killed');
}

function finish(job: JobDir, state: StateFile, record: ShimRecord & { kind: 'ended' }): JobView {
  const endedAtMs = statSync(pathOf(job, 'record')).mtimeMs;
  const stop = readStop(job);
  const signal = signalOf(record, stop);
  const status: StoredState = signal === undefined ? 'exited' : 'killed';
  const ending = endingOf(record.status, signal, stop && stop.at_ms <= endedAtMs + clockSlackMs ? stop : undefined);
  const limit = ending.kind === 'killed' ? stop?.log_limit : undefined;
  const omitted = readOmitted(job);
  return writeEnding(job, endedAtMs, {
    ...state,
    job: { ...state.job, status },
    result: {
      exit_code: signal === undefined ? record.status : null,
      signal: signal === undefined ? null : String(signal),
      duration_ms: Math.max(0, Math.round(endedAtMs - (state.started_at_ms ?? endedAtMs))),
    },
    finished_at: wholeSecond(endedAtMs),
    updated_at: wholeSecond(endedAtMs),
    logs_drained: true,
    ending,
    ...(omitted ? { log_omitted: omitted } : {}),
    ...(limit === undefined
      ? {}
      : { log_limit: limit, error: `stopped: its logs had grown beyond the limit of ${limit} bytes` }),
  });
}

function lose(job: JobDir, state: StateFile, reason: string): JobView {
  return writeEnding(job, Date.now(), lostState(state, reason));
}

/**
 * Whoever sees the ending sees the whole combined log. Only where a launch was cut off before it made that file, the ending
 * comes first: without a state the file would count as damage.
 */
function writeEnding(job: JobDir, endedAtMs: number, ended: StateFile): JobView {
  const isLaunched = existsSync(pathOf(job, 'full'));
  if (isLaunched) unlessRefused(() => completeLineLog(job, endedAtMs));
  const view = write(job, ended);
  if (!isLaunched) {
    unlessRefused(() => {
      closeSync(openForAppending(pathOf(job, 'full')));
      completeLineLog(job, endedAtMs);
    });
  }
  return view;
}

/** The combined log is a view for people: whatever the system says against it takes nothing from the ending. */
function unlessRefused(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

function write(job: JobDir, state: StateFile): JobView {
  if (isTerminal(state.job.status)) dropControlGroup(job);
  // Where the disk takes nothing the answer is right all the same, and whoever looks later writes it.
  replaceFileIfRoom(pathOf(job, 'state'), pretty(state));
  return { job, status: state.job.status, state };
}

/** What the shim of a job has written so far. */
export const readRecord = (job: JobDir): ShimRecord => parseShimRecord(readSmallFile(pathOf(job, 'record')) ?? '');

const isPidTaken = (pid: number | undefined): boolean => pid !== undefined && readProcess(pid)?.zombie === false;
