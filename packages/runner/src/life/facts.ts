/** What is known of a job: every record is read once, its process is looked at once, and nothing is written. */
import { statSync } from 'node:fs';
import { isPidTaken } from '../foreign/ancestor.ts';
import { controlGroupIn, controlGroupMembers } from '../process/control-group/control-group.ts';
import { bootId, isAlive, once, type ProcessIdentity, readProcess } from '../process/identity.ts';
import { parseShimRecord, type ShimRecord } from '../process/spawn.ts';
import { fileKeyOf, membersOf, outputsOf, processesSince, type TreeTarget } from '../process/tree.ts';
import { type JobDir, pathOf } from '../record/layout.ts';
import {
  type MetaFile,
  type OmittedRanges,
  readMeta,
  readOmitted,
  readSmallFile,
  readState,
  readStop,
  type StateFile,
  type StopFile,
} from '../record/records.ts';

/** A live process of a job that has ended. */
export interface LeftProcess {
  readonly identity: ProcessIdentity;
  /** It can still print: its stdout or stderr is a log of the job. */
  readonly holdsLogs: boolean;
}

/**
 * The facts of one job. Each is found out when it is asked for, at most once: of a job that ended long ago only the state is
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
  readonly omitted: OmittedRanges | undefined;
  /** The process that the state names; `taken`: a live one has its pid, and more is not known. */
  readonly process: 'alive' | 'gone' | 'other-boot' | 'taken' | 'none';
  /** The shim that the record names, for a state that names none; `leads`: it is a live leader of its group. */
  readonly shim: { readonly identity: ProcessIdentity | undefined; readonly leads: boolean };
  /** Processes of an ended job that live on. */
  readonly left: readonly LeftProcess[];
}

export function readFacts(job: JobDir): JobFacts {
  const state = readState(job);
  const meta = once(() => readMeta(job));
  const metaWrittenAtMs = once(() => statSync(pathOf(job, 'meta'), { throwIfNoEntry: false })?.mtimeMs);
  const hasFullLog = once(() => statSync(pathOf(job, 'full'), { throwIfNoEntry: false }) !== undefined);
  const seen = once(() => processOf(state));
  const shimOf = (pid: number): JobFacts['shim'] => {
    const entry = readProcess(pid);
    const identity = entry && { pid, start: entry.start, boot: bootId() };
    return { identity, leads: entry?.group === pid };
  };
  const recorded = once(() => {
    if (seen() !== 'none') return { record: readRecord(job), shim: nobody };
    const first = readRecord(job);
    const shim = first.kind === 'started' ? shimOf(first.pid) : nobody;
    // It may have written its ending between these two looks.
    return { record: first.kind === 'started' && !shim.leads ? readRecord(job) : first, shim };
  });
  const recordTimes = once(() => {
    const stat = statSync(pathOf(job, 'record'), { throwIfNoEntry: false });
    return { bornAtMs: stat?.birthtimeMs ?? 0, writtenAtMs: stat?.mtimeMs ?? 0 };
  });
  const stop = once(() => readStop(job));
  const omitted = once(() => readOmitted(job));
  const left = once(() => leftOf(job, state?.identity ?? recorded().shim.identity, recordTimes().writtenAtMs));
  return {
    job,
    state,
    get meta() {
      return meta();
    },
    get metaWrittenAtMs() {
      return metaWrittenAtMs();
    },
    get hasFullLog() {
      return hasFullLog();
    },
    get record() {
      return recorded().record;
    },
    get recordTimes() {
      return recordTimes();
    },
    get stop() {
      return stop();
    },
    get omitted() {
      return omitted();
    },
    get process() {
      return seen();
    },
    get shim() {
      return recorded().shim;
    },
    get left() {
      return left();
    },
  };
}

const nobody: JobFacts['shim'] = { identity: undefined, leads: false };

function processOf(state: StateFile | undefined): JobFacts['process'] {
  if (state?.identity) {
    if (state.identity.boot !== bootId()) return 'other-boot';
    return isAlive(state.identity) ? 'alive' : 'gone';
  }
  return state?.job.status === 'running' && isPidTaken(state.pid) ? 'taken' : 'none';
}

/** What the shim of a job has written so far. */
export const readRecord = (job: JobDir): ShimRecord => parseShimRecord(readSmallFile(pathOf(job, 'record')) ?? '');

/** All that the members of a job's tree can be known by. */
export function treeOf(job: JobDir, leader: ProcessIdentity): TreeTarget {
  const controlGroup = controlGroupIn(pathOf(job, 'controlGroup'), job.id);
  return {
    leader,
    logs: [pathOf(job, 'stdout'), pathOf(job, 'stderr')],
    mark: job.id,
    ...(controlGroup ? { controlGroup } : {}),
  };
}

/** A control group is named before the members are brought in, which is done within so many ms. */
const encloseMsMax = 1_000;

/** Nobody leaves a control group: one that everybody was brought into, and that is empty, spares a look at all processes. */
function hasSettledIn(job: JobDir): boolean {
  const namedAtMs = statSync(pathOf(job, 'controlGroup'), { throwIfNoEntry: false })?.mtimeMs;
  return namedAtMs !== undefined && Date.now() - namedAtMs > encloseMsMax;
}

function leftOf(job: JobDir, leader: ProcessIdentity | undefined, endedAtMs: number): LeftProcess[] {
  if (!leader || leader.boot !== bootId()) return [];
  const tree = treeOf(job, leader);
  if (tree.controlGroup && hasSettledIn(job) && controlGroupMembers(tree.controlGroup).length === 0) return [];
  const logs = new Set((tree.logs ?? []).map(fileKeyOf));
  return membersOf(tree, processesSince(leader, endedAtMs)).map(({ pid, start }) => ({
    identity: { pid, start, boot: leader.boot },
    holdsLogs: outputsOf(pid).some((output) => output !== '' && logs.has(output)),
  }));
}
