/**
 * Settling: whoever looks at a job first after its end turns the shim's record into the terminal `state.json`. All
 * who do it compute the same content from the same facts; one of them writes it, and none over what was written since
 * the facts were read. Reading the facts writes nothing: every record is read once, its process is looked at once.
 */
import { closeSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { isTerminal, type JobState } from '@kanade/shared/job-words';
import { isPidTaken } from '../foreign/ancestor.ts';
import { errnoOf } from '../job-error.ts';
import { createLineLog, type LineLogFiles, type LineLogLook } from '../output/line-log.ts';
import {
  controlGroupIn,
  controlGroupMembers,
  dropControlGroupIn,
  removeControlGroup,
} from '../process/control-group/control-group.ts';
import { bootId, type ProcessIdentity, readProcess, standingOf } from '../process/identity.ts';
import { parseShimRecord, type ShimRecord } from '../process/spawn.ts';
import { type Survivor, survivorsOf } from '../process/survivors.ts';
import type { TreeTarget } from '../process/tree.ts';
import { openForAppending, pauseMs, replaceState } from '../record/files.ts';
import {
  hasLineLog,
  type JobDir,
  type JobFile,
  type JobPaths,
  limits,
  type MetaFile,
  type OmittedRanges,
  pathOf,
  pathsOf,
  readMeta,
  readOmitted,
  readSmallFile,
  readState,
  readStop,
  type StateFile,
  type StopFile,
} from '../record/layout.ts';
import { decideEnding, type JobFacts } from './decide-ending.ts';

/** What was found out, which may be that there is nothing. */
interface Seen<T> {
  readonly value: T;
}

const nobody: JobFacts['shim'] = { identity: undefined, leads: false };

/** What the shim of a job has written so far. */
export const readRecord = (job: JobDir): ShimRecord => parseShimRecord(readSmallFile(pathOf(job, 'record')) ?? '');

/** What whoever launched a job knows of it without a look. */
export interface KnownOfLaunch {
  readonly meta?: MetaFile | undefined;
  /** Its shim, a child of ours that has exited. A state may name another by now: that of a restart. */
  readonly exited?: ProcessIdentity | undefined;
}

/** Facts that are found out when they are asked for, but for those that are known. */
export class FactsOnDemand implements JobFacts {
  readonly job: JobDir;
  readonly state: StateFile | undefined;
  readonly paths: JobPaths;
  #meta: Seen<MetaFile | undefined> | undefined;
  #process: JobFacts['process'] | undefined;
  #recorded: { readonly record: ShimRecord; readonly shim: JobFacts['shim'] } | undefined;
  #recordTimes: JobFacts['recordTimes'] | undefined;
  #stop: Seen<StopFile | undefined> | undefined;
  #omitted: Seen<OmittedRanges | undefined> | undefined;
  #left: readonly Survivor[] | undefined;
  #hasFullLog: boolean | undefined;
  #hasGroup: boolean | undefined;
  #logBytes: number | undefined;

  constructor(job: JobDir, { meta, exited }: KnownOfLaunch) {
    this.job = job;
    this.paths = pathsOf(job);
    this.state = readState(job);
    if (meta) this.#meta = { value: meta };
    const shim = this.state?.identity;
    if (exited && shim?.pid === exited.pid && shim.start === exited.start) this.#process = 'gone';
  }
  get meta(): MetaFile | undefined {
    this.#meta ??= { value: readMeta(this.job) };
    return this.#meta.value;
  }
  get metaWrittenAtMs(): number | undefined {
    return this.#statOf('meta')?.mtimeMs;
  }
  get hasFullLog(): boolean {
    this.#hasFullLog ??= this.#statOf('full') !== undefined;
    return this.#hasFullLog;
  }
  get process(): JobFacts['process'] {
    this.#process ??= processOf(this.state);
    return this.#process;
  }
  get record(): ShimRecord {
    this.#recorded ??= readRecorded(this);
    return this.#recorded.record;
  }
  get shim(): JobFacts['shim'] {
    this.#recorded ??= readRecorded(this);
    return this.#recorded.shim;
  }
  get recordTimes(): JobFacts['recordTimes'] {
    if (!this.#recordTimes) {
      const stat = this.#statOf('record');
      this.#recordTimes = { bornAtMs: stat?.birthtimeMs ?? 0, writtenAtMs: stat?.mtimeMs ?? 0 };
    }
    return this.#recordTimes;
  }
  get stop(): StopFile | undefined {
    this.#stop ??= { value: readStop(this.job) };
    return this.#stop.value;
  }
  get stopWrittenAtMs(): number | undefined {
    return this.#statOf('stop')?.mtimeMs;
  }
  get omitted(): OmittedRanges | undefined {
    this.#omitted ??= { value: readOmitted(this.job) };
    return this.#omitted.value;
  }
  get left(): readonly Survivor[] {
    this.#left ??= leftOf(this);
    return this.#left;
  }
  /** Bytes that both logs have. */
  get logBytes(): number {
    this.#logBytes ??= (this.#statOf('stdout')?.size ?? 0) + (this.#statOf('stderr')?.size ?? 0);
    return this.#logBytes;
  }
  /** A control group is named, which its tree is in or is being brought into. */
  get hasGroup(): boolean {
    this.#hasGroup ??= this.#statOf('controlGroup') !== undefined;
    return this.#hasGroup;
  }
  #statOf(file: JobFile): Stats | undefined {
    return statSync(this.paths[file], { throwIfNoEntry: false });
  }
}

/** What is known of a job. Writes nothing. */
export const readFacts = (job: JobDir, known: KnownOfLaunch = {}): FactsOnDemand => new FactsOnDemand(job, known);

function processOf(state: StateFile | undefined): JobFacts['process'] {
  if (state?.identity) return standingOf(state.identity);
  return state?.job.status === 'running' && isPidTaken(state.pid) ? 'taken' : 'none';
}

/** The shim writes its record before it exits: whoever is dead when the record is read has written all of it. */
function readRecorded({ job, process }: JobFacts): { record: ShimRecord; shim: JobFacts['shim'] } {
  const record = readRecord(job);
  if (process !== 'none' || record.kind !== 'started') return { record, shim: nobody };
  const entry = readProcess(record.pid);
  const identity = entry && { pid: record.pid, start: entry.start, boot: bootId() };
  const leads = entry?.group === record.pid;
  // It may have written its ending between these two looks.
  return { record: leads ? record : readRecord(job), shim: { identity, leads } };
}

/** All that the members of a job's tree can be known by. Its control group is looked up anew each time: it may get one meanwhile. */
export function treeOf(job: JobDir, leader: ProcessIdentity, paths = pathsOf(job), hasGroup = true): TreeTarget {
  const ties = { leader, logs: [paths.stdout, paths.stderr], mark: job.id };
  if (!hasGroup) return ties;
  return {
    ...ties,
    get controlGroup() {
      const named = controlGroupIn(paths.controlGroup, job.id);
      return named?.isSettled ? named.path : undefined;
    },
  };
}

/** A tree is in its control group when it is so old, in ms, if it gets one. */
const encloseMsMax = 1_000;

function leftOf({ job, paths, state, shim, recordTimes, hasGroup }: FactsOnDemand): readonly Survivor[] {
  const leader = state?.identity ?? shim.identity;
  if (!leader) return [];
  const tree = treeOf(job, leader, paths, hasGroup);
  // Nobody leaves a control group: one that everybody was brought into, and that is empty, spares a look at all processes.
  const group = tree.controlGroup;
  if (group && controlGroupMembers(group).length === 0) return [];
  const isOld = recordTimes.writtenAtMs - (state?.started_at_ms ?? Number.POSITIVE_INFINITY) > encloseMsMax;
  return (isOld ? leftForOthers(job, state) : undefined) ?? survivorsOf(tree);
}

/**
 * What lived on for who has settled the job since its state was read here: all who wait are woken by the same write. Its control group
 * went with that, and without one every younger process of the machine is looked at closely.
 */
function leftForOthers(job: JobDir, known: StateFile | undefined): readonly Survivor[] | undefined {
  if (!known || isTerminal(known.job.status)) return undefined;
  const now = readState(job);
  if (!now?.logs_drained || !isTerminal(now.job.status) || now.started_at_ms !== known.started_at_ms) return undefined;
  return (now.left_running ?? []).map((identity) => ({ identity, holdsLogs: false }));
}

/** A job as it stands now. `state` is undefined when `state.json` is missing or damaged; `status` is then `unknown`. */
export interface JobView {
  readonly job: JobDir;
  readonly status: JobState;
  readonly state: StateFile | undefined;
  /** Its combined log lacks lines that a keeper has to copy; false: this look has completed it. */
  readonly isLogBehind?: boolean;
  /** Its start is told by its record, and its launcher, who is just writing the state, may tell it by a few ms otherwise. */
  readonly isStartOpen?: true;
}

/** Looks at a job, and writes its ending when that has become known, unless the disk takes nothing. */
export const settle = (job: JobDir, known?: KnownOfLaunch): JobView => settleFacts(readFacts(job, known));

/** The same for who needs more of the facts. */
export function settleFacts(facts: FactsOnDemand): JobView {
  const { status, state, isNews, endedAtMs } = decideEnding(facts, Date.now());
  const view = { job: facts.job, status, state };
  if (isNews && state) return recordEnding(facts, view, endedAtMs);
  return leftBehind.has(facts.job.id) ? { ...view, isLogBehind: true } : view;
}

/** Jobs whose ending was recorded here before their combined log was whole: who looked first may not care, who waits must hear of it. */
const leftBehind = new Set<string>();

/** A keeper completes the log: nobody else is to be called. */
export const leaveToKeeper = (job: JobDir): void => void leftBehind.delete(job.id);

/**
 * Whoever sees the ending sees the whole combined log. Only where a launch was cut off before it made that file, the ending
 * comes first: without a state the file would count as damage.
 */
function recordEnding(facts: FactsOnDemand, view: JobView, endedAtMs: number | undefined): JobView {
  const { job, paths, hasFullLog } = facts;
  let isLogBehind: boolean | undefined;
  const complete = (): void => {
    if (endedAtMs === undefined) return;
    const last = view.state?.logs_drained !== false;
    unlessRefused(() => {
      const isBehind = completeLog(facts, { atMs: endedAtMs, last });
      if (last || isBehind) isLogBehind = isBehind;
    });
  };
  if (hasFullLog) complete();
  const group = isTerminal(view.status) && facts.hasGroup ? controlGroupIn(paths.controlGroup, job.id) : undefined;
  if (group) removeControlGroup(group.path);
  // Where the disk takes nothing the answer is right all the same, and whoever looks later writes it.
  const outcome = view.state && replaceState(job, view.state, facts.state);
  const isStartOpen = facts.state?.identity === undefined && (outcome === 'busy' || outcome === 'kept');
  // Not before: who settles it at the same time sees by an empty group that nobody is left.
  if (group) dropControlGroupIn(paths.controlGroup, job.id);
  if (!hasFullLog && isTerminal(view.status)) {
    unlessRefused(() => closeSync(openForAppending(paths.full)));
    complete();
  }
  if (isLogBehind) leftBehind.add(job.id);
  return { ...view, ...(isLogBehind === undefined ? {} : { isLogBehind }), ...(isStartOpen ? { isStartOpen } : {}) };
}

/** The combined log of a job by its paths. */
export function lineLogOf({ job, meta, omitted }: Pick<JobFacts, 'job' | 'meta' | 'omitted'>): LineLogFiles {
  return {
    stdout: pathOf(job, 'stdout'),
    stderr: pathOf(job, 'stderr'),
    full: meta?.full_log || pathOf(job, 'full'),
    offsets: pathOf(job, 'fullOffsets'),
    lock: join(job.path, '.full.lock'),
    omitted: omitted ?? {},
    bytesMax: meta?.log_bytes_max ?? limits.logBytes,
  };
}

/** Bytes of each stream that settling copies into the combined log at most; a keeper copies the rest. */
const settledBytesMax = 4 * 1024 * 1024;

/** How often it is tried to complete a combined log that somebody else is writing, once a ms. */
const logTriesMax = 50;

/** Completes the combined log as far as settling may; true when there is more. */
function completeLog(facts: FactsOnDemand, look: Omit<LineLogLook, 'bytesMax'>): boolean {
  if (facts.logBytes === 0 || !hasLineLog(facts.meta)) return false;
  const files = lineLogOf(facts);
  const log = createLineLog(files, () => files);
  for (let tries = 0; tries < logTriesMax; tries++) {
    const outcome = log.look({ ...look, bytesMax: settledBytesMax });
    if (outcome !== 'busy') return outcome === 'behind';
    pauseMs(1);
  }
  return true;
}

/** The combined log is a view for people: whatever the system says against it takes nothing from the ending. */
function unlessRefused(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}
