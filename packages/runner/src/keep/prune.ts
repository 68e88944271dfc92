/** Deleting jobs: one, those of a directory, or by age, number and size. Never one that may still run. */
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isTerminal, type JobState } from '@kanade/shared/job-words';
import { isPidTaken } from '../foreign/ancestor.ts';
import { JobError } from '../job-error.ts';
import { launchMsMax } from '../life/decide-ending.ts';
import { compactLaunchOrder } from '../life/list.ts';
import { awaitedJobs, isInLine } from '../life/places.ts';
import { type JobView, readRecord, settle } from '../life/settle.ts';
import { endUnstarted } from '../life/turn.ts';
import { dropControlGroupIn } from '../process/control-group/control-group.ts';
import { isAlive } from '../process/identity.ts';
import { takeClaim } from '../record/files.ts';
import { type JobDir, jobFiles, pathOf, readMeta } from '../record/layout.ts';
import { isDirectory, jobNames } from '../record/root.ts';

/** What became of one job of a deletion. */
export interface Deletion {
  readonly jobId: string;
  readonly state: JobState;
  readonly action: 'deleted' | 'would_delete' | 'skipped';
  readonly reason: string;
}

/** Deletes one job in any state but running. Throws `invalid_state` for that, and for a directory without a definition. */
export function deleteJob(job: JobDir, { dryRun }: { dryRun: boolean }): Deletion {
  const view = settle(job);
  if (view.status === 'running') {
    throw new JobError('invalid_state', `job ${job.id} is running: kanade kill ${job.id} first`);
  }
  const waiter = awaitedJobs(dirname(job.path)).get(job.id);
  if (waiter !== undefined)
    throw new JobError(
      'invalid_state',
      `job ${job.id} cannot be deleted: job ${waiter} waits for it; kill that one first`,
    );
  // A directory that nobody wrote a definition into is not ours to remove (it may be anything), unless nothing is in it.
  if (!existsSync(join(job.path, 'meta.json')) && !isEmpty(job)) {
    throw new JobError(
      'invalid_state',
      `job ${job.id} has no meta.json: remove ${job.path} by hand if it is not needed`,
    );
  }
  if (!dryRun) {
    // Whoever takes its record has it: no keeper starts what is just being deleted.
    if (view.status === 'created' && isInLine(job) && !endUnstarted(job, 'it was deleted'))
      throw new JobError('invalid_state', `job ${job.id} is being started: kanade kill ${job.id} first`);
    removeOrSay(job);
  }
  return { jobId: job.id, state: view.status, action: dryRun ? 'would_delete' : 'deleted', reason: 'explicit_delete' };
}

/** The names that we give to jobs: what is called otherwise somebody else has made. */
const ourName = /^[0-9a-f]{32}$/;

/** What a caller leaves behind that was killed as it made a job: a name of ours, and nothing in it. */
const isEmpty = (job: JobDir): boolean =>
  ourName.test(job.id) && isDirectory(job.path) && readdirSync(job.path).length === 0;

function removeOrSay(job: JobDir): void {
  try {
    remove(job);
  } catch (cause) {
    throw new JobError('io_error', `could not delete job ${job.id}: ${(cause as Error).message}`, { cause });
  }
}

/** Deletes every ended job of a working directory. Jobs of other directories are only counted. */
export function deleteJobsOf(
  root: string,
  cwd: string,
  { dryRun }: { dryRun: boolean },
): { jobs: Deletion[]; outOfScope: number } {
  const jobs: Deletion[] = [];
  const awaited = awaitedJobs(root);
  let outOfScope = 0;
  for (const id of jobNames(root)) {
    const job = { id, path: join(root, id) };
    if (readMeta(job)?.cwd !== cwd) outOfScope++;
    else jobs.push(deleteEnded(job, { dryRun, isAwaited: awaited.has(id) }));
  }
  return { jobs, outOfScope };
}

function deleteEnded(job: JobDir, { dryRun, isAwaited }: { dryRun: boolean; isAwaited: boolean }): Deletion {
  const view = settle(job);
  const skipped = (reason: string): Deletion => ({ jobId: job.id, state: view.status, action: 'skipped', reason });
  if (!view.state) return skipped('state_unreadable');
  if (!isTerminal(view.status)) return skipped(view.status === 'created' ? 'created' : 'running');
  if (isAwaited) return skipped('waited_for');
  if (isPidAlive(view)) return skipped('pid_alive');
  if (dryRun) return { jobId: job.id, state: view.status, action: 'would_delete', reason: 'terminal_in_cwd' };
  try {
    remove(job);
  } catch (error) {
    return skipped(`delete_failed: ${(error as Error).message}`);
  }
  return { jobId: job.id, state: view.status, action: 'deleted', reason: 'terminal_in_cwd' };
}

/** Which ended jobs go. Times in ms, sizes in bytes. */
export interface PruneLimits {
  readonly olderThanMs: number;
  readonly maxJobs?: number;
  readonly maxBytes?: number;
}

export interface PruneOptions extends PruneLimits {
  readonly dryRun: boolean;
  readonly nowMs: number;
  /** Most directories looked at and most jobs deleted in one go; default: all. */
  readonly scanMax?: number;
  readonly deleteMax?: number;
  /** Do nothing when another collection of this root is under way. */
  readonly exclusive?: boolean;
}

export interface PruneReport {
  readonly scanned: number;
  readonly candidates: number;
  readonly deleted: number;
  readonly failed: number;
  readonly outOfScope: number;
  readonly freedBytes: number;
}

/** One ended job as the choice sees it. */
export interface PruneCandidate {
  readonly id: string;
  readonly endedAtMs: number;
  readonly bytes: number;
}

/**
 * Which jobs go: those that ended before the retention; when these are more than `maxJobs`, its newest `maxJobs` stay; and
 * when all of them together exceed `maxBytes`, the oldest go until the rest fits (contract, section 7.1). Oldest first.
 */
export function choosePrunable(
  pool: readonly PruneCandidate[],
  { olderThanMs, maxJobs, maxBytes, nowMs }: PruneLimits & { nowMs: number },
): PruneCandidate[] {
  const aged = pool
    .filter(({ endedAtMs }) => isAged(endedAtMs, { olderThanMs, nowMs }))
    .sort((a, b) => a.endedAtMs - b.endedAtMs);
  const isFew = maxJobs === undefined || aged.length <= maxJobs;
  const byNumber = isFew ? aged : aged.slice(0, aged.length - maxJobs);
  const chosen = new Set(byNumber);
  let total = aged.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const candidate of aged) {
    if (maxBytes === undefined || total <= maxBytes) break;
    chosen.add(candidate);
    total -= candidate.bytes;
  }
  return aged.filter((candidate) => chosen.has(candidate));
}

/** Compared in whole seconds: that is what the files hold. */
const isAged = (endedAtMs: number, { olderThanMs, nowMs }: Pick<PruneOptions, 'olderThanMs' | 'nowMs'>): boolean =>
  Math.floor(endedAtMs / 1000) < Math.floor((nowMs - olderThanMs) / 1000);

/** Deletes ended jobs by age, number and size; what was cut off before anything ran counts as ended then. */
export function pruneJobs(root: string, options: PruneOptions): PruneReport {
  if (!options.exclusive) return prune(root, options);
  using lock = takeClaim(join(root, '.gc.lock'));
  return lock
    ? prune(root, options)
    : { scanned: 0, candidates: 0, deleted: 0, failed: 0, outOfScope: 0, freedBytes: 0 };
}

function prune(root: string, options: PruneOptions): PruneReport {
  const pool: PruneCandidate[] = [];
  const names = jobNames(root);
  const scanned = rotated(names, options.nowMs).slice(0, options.scanMax ?? names.length);
  const awaited = awaitedJobs(root);
  for (const id of scanned) {
    if (awaited.has(id)) continue;
    const job = { id, path: join(root, id) };
    const endedAtMs = endedAt(job, options.nowMs);
    // What is young stays whatever its size, which takes many looks.
    if (endedAtMs !== undefined && isAged(endedAtMs, options))
      pool.push({ id, endedAtMs, bytes: bytesBelow(job.path) });
  }
  const chosen = choosePrunable(pool, options);
  let deleted = 0;
  let failed = 0;
  let freedBytes = 0;
  for (const { id, bytes } of chosen.slice(0, options.deleteMax ?? chosen.length)) {
    if (options.dryRun) {
      freedBytes += bytes;
      continue;
    }
    try {
      remove({ id, path: join(root, id) });
      deleted++;
      freedBytes += bytes;
    } catch {
      failed++; // counted; the next collection tries again
    }
  }
  if (!options.dryRun) compactLaunchOrder(root, names);
  return {
    scanned: scanned.length,
    candidates: chosen.length,
    deleted,
    failed,
    outOfScope: scanned.length - chosen.length,
    freedBytes,
  };
}

/** A limited scan begins somewhere else each time, so that no job stays out of sight for ever. */
function rotated(names: readonly string[], nowMs: number): string[] {
  const from = names.length === 0 ? 0 : Math.floor(nowMs) % names.length;
  return [...names.slice(from), ...names.slice(0, from)];
}

/** In ms since 1970; undefined for what is not to go. */
function endedAt(job: JobDir, nowMs: number): number | undefined {
  const view = settle(job);
  if (!view.state) return cutOffAt(job, nowMs);
  if (!isTerminal(view.status)) return undefined;
  const endedAtMs = Date.parse(view.state.finished_at ?? view.state.updated_at);
  return Number.isNaN(endedAtMs) ? undefined : endedAtMs;
}

/** What a launch may have made before its first state. */
const { meta, stdin, masked, record, stdout, stderr } = jobFiles;
const firstFiles: readonly string[] = [meta, stdin, masked, record, stdout, stderr];

/**
 * What a caller leaves behind that was killed before anything ran: no state, and nothing but the first files of a launch. It ended
 * when its last file was made. A launch that may still be under way is none, nor is one whose shim has begun.
 */
function cutOffAt(job: JobDir, nowMs: number): number | undefined {
  if (!ourName.test(job.id) || !readdirSync(job.path).every((name) => firstFiles.includes(name))) return undefined;
  const endedAtMs = lstatSync(job.path).mtimeMs;
  return nowMs - endedAtMs <= launchMsMax || readRecord(job).kind !== 'empty' ? undefined : endedAtMs;
}

function bytesBelow(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, entry) => sum + (lstatSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}

/** What a job is known by goes last: a deletion that is cut off leaves one that can be deleted again. Somebody else may be at it, too. */
function remove(job: JobDir): void {
  const { path } = job;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isSymbolicLink()) throw new Error(`${path} is a symbolic link`);
  dropControlGroupIn(pathOf(job, 'controlGroup'), job.id);
  for (const name of found ? readdirSync(path) : [])
    if (name !== jobFiles.state && name !== meta) rmSync(join(path, name), { recursive: true, force: true });
  rmSync(pathOf(job, 'state'), { force: true });
  rmSync(path, { recursive: true, force: true, maxRetries: 2 });
}

function isPidAlive({ state }: JobView): boolean {
  if (state?.identity) return isAlive(state.identity);
  return isPidTaken(state?.pid);
}
