/** Running a job again, and changing what it is. */

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { isTerminal } from '@kanade/shared/job-words';
import { ancestorMarker } from '../foreign/ancestor.ts';
import { JobError } from '../job-error.ts';
import { pauseMs, pretty, replaceStateSurely, tryClaim, withClaim } from '../record/files.ts';
import { isLinedUp, type JobDir, type MetaFile, pathOf, readMeta } from '../record/layout.ts';
import { createdState } from './decide-ending.ts';

import { makeEmptyLogs } from './launch.ts';
import { isInLine } from './places.ts';
import { settle } from './settle.ts';
import { type StopOptions, stopJob } from './stop.ts';

export interface RestartOptions<T> {
  /** How a run that is still going is stopped first. */
  readonly stop: StopOptions;
  /** Starts the new run, or puts it into line; the old one is over. */
  readonly begin: () => T;
}

/**
 * Runs a job again, in the same directory and from its stored definition. A run that is still going is stopped first, with
 * all of its tree. Logs and endings of the former run are replaced by new files: whatever of it still writes, writes
 * into files that nobody reads. Throws `invalid_state` when the former run does not end or another restart is under way.
 */
export function restartJob<T>(job: JobDir, { stop, begin }: RestartOptions<T>): Promise<T> {
  return withClaim(job, 'restart', async () => {
    const meta = readMeta(job);
    if (!meta) throw new JobError('invalid_state', `job ${job.id} cannot be restarted: its meta.json is damaged`);
    if (meta.job.id !== job.id) {
      throw new JobError('invalid_state', `job ${job.id} cannot be restarted: its meta.json belongs to ${meta.job.id}`);
    }
    await endFormerRun(job, stop);
    // A keeper that looks in between would find a job that was created and has nothing to start with.
    using _turn = isLinedUp(meta) ? takeTurn(job) : undefined;
    makeNew(job);
    return begin();
  });
}

/** How long a keeper may be about to start or refuse a job, in ms: it takes a moment. */
const turnMsMax = 2_000;

/** The claim under which a job in line is started or refused, and put into line again. Throws `invalid_state` when somebody else keeps it. */
function takeTurn(job: JobDir): Disposable {
  const deadlineMs = performance.now() + turnMsMax;
  for (;;) {
    const claim = tryClaim(job, 'turn');
    if (claim) return claim;
    if (performance.now() > deadlineMs)
      throw new JobError('invalid_state', `job ${job.id} cannot be restarted: it is just being started`);
    pauseMs(1);
  }
}

/** Nothing of a former run is left. */
function makeNew(job: JobDir): void {
  for (const file of [
    'stdout',
    'stderr',
    'full',
    'record',
    'stop',
    'completion',
    'omitted',
    'followed',
    'controlGroup',
    'fullOffsets',
    'environment',
  ] as const) {
    rmSync(pathOf(job, file), { force: true });
  }
  rmSync(join(job.path, ancestorMarker), { force: true });
  makeEmptyLogs(job);
  replaceStateSurely(job, createdState(job, Date.now()));
}

async function endFormerRun(job: JobDir, stop: StopOptions): Promise<void> {
  const { status } = settle(job);
  if (status !== 'running' && !(status === 'created' && isInLine(job))) return;
  const { view, report } = await stopJob(job, stop);
  const isOver = isTerminal(view.status) || view.status === 'unknown';
  if (isOver && !report?.survivors.length) return;
  const left = report?.survivors.join(', ') ?? '';
  throw new JobError('invalid_state', `job ${job.id} cannot be restarted: its former run does not end (pids ${left})`);
}

/** How long somebody else may be changing a definition, in ms: it takes a moment. */
const editMsMax = 2_000;

/** Changes a job's definition in place, one after the other; keys that we do not know stay. Returns what was written. */
export function editMeta(job: JobDir, change: (meta: MetaFile) => MetaFile): Promise<MetaFile> {
  const edit = (): MetaFile => {
    const meta = readMeta(job);
    if (!meta) throw new JobError('invalid_state', `job ${job.id} cannot be changed: its meta.json is damaged`);
    const changed = change(meta);
    replaceFile(pathOf(job, 'meta'), pretty(changed));
    return changed;
  };
  return withClaim(job, 'change', edit, editMsMax);
}
