/**
 * Settling: whoever looks at a job first after its end turns the shim's record into the terminal `state.json`. All
 * who do it compute the same content from the same facts; one of them writes it, and none over what was written since
 * the facts were read.
 */
import { closeSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isTerminal, type JobState } from '@kanade/shared/job-words';
import { errnoOf } from '../job-error.ts';
import { createLineLog, type LineLogFiles, type LineLogLook } from '../output/line-log.ts';
import { dropControlGroupIn } from '../process/control-group/control-group.ts';
import type { Enclosing } from '../process/control-group/enclose.ts';
import { openForAppending, pauseMs, pretty, replaceState, writeNewFile } from '../record/files.ts';
import { type JobDir, type LogStream, limits, pathOf } from '../record/layout.ts';
import { type MetaFile, type OmittedRanges, readState, type StateFile } from '../record/records.ts';
import { decideEnding } from './decide-ending.ts';
import { type JobFacts, readFacts, treeOf } from './facts.ts';

/** A job as it stands now. `state` is undefined when `state.json` is missing or damaged; `status` is then `unknown`. */
export interface JobView {
  readonly job: JobDir;
  readonly status: JobState;
  readonly state: StateFile | undefined;
  /** Its combined log lacks lines that a keeper has to copy. */
  readonly isLogBehind?: boolean;
}

/** Looks at a job, and writes its ending when that has become known, unless the disk takes nothing. */
export const settle = (job: JobDir): JobView => settleFacts(readFacts(job));

/** The same for who needs more of the facts. */
export function settleFacts(facts: JobFacts): JobView {
  const { status, state, isNews, endedAtMs } = decideEnding(facts, Date.now());
  const view = { job: facts.job, status, state };
  return isNews && state ? recordEnding(facts, view, endedAtMs) : view;
}

/** All that is known of a job. */
export interface JobDescription extends JobView {
  /** Undefined when it cannot be read. */
  readonly meta: MetaFile | undefined;
  /** What the logs lack; undefined when they are whole. */
  readonly omitted: OmittedRanges | undefined;
  /** Bytes that both logs have. */
  readonly logBytes: number;
  /** Pids of its processes that still live, though it has ended. */
  readonly leftRunning: readonly number[];
}

/** Where a job stands, with all that is known of it; each of its files is read once. Settles it. */
export function describeJob(job: JobDir): JobDescription {
  const facts = readFacts(job);
  const view = settleFacts(facts);
  const sizeOf = (stream: LogStream): number => statSync(pathOf(job, stream), { throwIfNoEntry: false })?.size ?? 0;
  return {
    ...view,
    meta: facts.meta,
    omitted: facts.omitted,
    logBytes: sizeOf('stdout') + sizeOf('stderr'),
    leftRunning: view.state?.left_running ? facts.left.map(({ identity }) => identity.pid) : [],
  };
}

/**
 * Whoever sees the ending sees the whole combined log. Only where a launch was cut off before it made that file, the ending
 * comes first: without a state the file would count as damage.
 */
function recordEnding(facts: JobFacts, view: JobView, endedAtMs: number | undefined): JobView {
  const { job, hasFullLog } = facts;
  let isLogBehind = false;
  const complete = (): void => {
    if (endedAtMs === undefined) return;
    const last = view.state?.logs_drained !== false;
    unlessRefused(() => {
      isLogBehind = completeLog(facts, { atMs: endedAtMs, last });
    });
  };
  if (hasFullLog) complete();
  if (isTerminal(view.status)) dropControlGroupIn(pathOf(job, 'controlGroup'), job.id);
  // Where the disk takes nothing the answer is right all the same, and whoever looks later writes it.
  replaceState(pathOf(job, 'state'), pretty(view.state), () => isAsKnown(readState(job), facts.state));
  if (!hasFullLog && isTerminal(view.status)) {
    unlessRefused(() => closeSync(openForAppending(pathOf(job, 'full'))));
    complete();
  }
  return isLogBehind ? { ...view, isLogBehind } : view;
}

/** A restart, or another who settled it, may have written a state meanwhile: that one says more than ours. */
const isAsKnown = (now: StateFile | undefined, known: StateFile | undefined): boolean =>
  now?.job.status === known?.job.status &&
  now?.started_at_ms === known?.started_at_ms &&
  now?.logs_drained === known?.logs_drained;

/** The combined log of a job by its paths. */
export function lineLogOf({ job, meta, omitted }: Pick<JobFacts, 'job' | 'meta' | 'omitted'>): LineLogFiles {
  return {
    stdout: pathOf(job, 'stdout'),
    stderr: pathOf(job, 'stderr'),
    full: meta?.full_log ?? pathOf(job, 'full'),
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
function completeLog(facts: JobFacts, look: Omit<LineLogLook, 'bytesMax'>): boolean {
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

/** How a running job's tree is put into a control group; undefined when it needs none any more. */
export function enclosingOf(job: JobDir): Enclosing | undefined {
  const { status, state } = settle(job);
  if (status !== 'running' || !state?.identity) return undefined;
  const target = treeOf(job, state.identity);
  if (target.controlGroup) return undefined;
  return { target, name: job.id, onGroup: (path) => writeNewFile(pathOf(job, 'controlGroup'), `${path}\n`) };
}
