/**
 * A jobs root: where jobs are made and found, and how many more fit into it. `.host/launches` has one line per launch, so that a list of the newest jobs
 * need not look at all of them. It is a hint and no truth: a job that is not in it (the ancestor's, or one whose line was
 * lost) is looked at as if there were no hint, and lines of deleted jobs are passed over.
 *
 *     <start, ms since 1970, base 36> <hash of the working directory, 8 hexadecimal digits> <job id>\n
 */

import { closeSync, lstatSync, mkdirSync, readdirSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile } from '@kanade/durable/files';
import { isJobName } from '@kanade/shared/job-words';
import { errnoOf, JobError } from '../job-error.ts';
import { isNoRoom, makeDirectories, openForAppending } from './files.ts';
import { type JobDir, keeperDirName, limits, readSmallFile } from './layout.ts';

/** Most ids that an ambiguity error names. */
const candidatesMax = 20;

/** A job directory of this root by its exact id, whether or not it exists. Throws `job_not_found` for a name that cannot be one. */
export function jobDir(root: string, id: string): JobDir {
  if (!isJobName(id)) throw notFound(root, id);
  return { id, path: join(root, id) };
}

/**
 * Makes the directory in a root that holds what the keeper needs, or one in it. Throws `io_error` for a link or a file in its place:
 * what is done in it would be done elsewhere.
 */
export function makeKeeperDir(root: string, below = ''): string {
  const path = join(root, keeperDirName, below);
  if (below !== '') makeKeeperDir(root);
  if (isDirectory(path)) return path;
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) makeDirectories(path, 0o700);
  if (isDirectory(path)) return path;
  throw new JobError('io_error', `${path} is no directory: remove it`);
}

/** The link on the way to a path that is neither ours nor root's, if there is one: who made it leads us wherever they like. */
function foreignLinkOn(path: string): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined; // Windows has no owner here
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    const found = lstatSync(at, { throwIfNoEntry: false });
    if (found?.isSymbolicLink() && found.uid !== uid && found.uid !== 0) return at;
  }
  return undefined;
}

/** Makes a directory with a fresh id of 32 hexadecimal characters, mode 0700, and the root, as private, if there is none. */
export function makeJobDir(root: string): JobDir {
  const link = foreignLinkOn(root);
  if (link !== undefined) throw new JobError('io_error', `${link} is a link that belongs to somebody else: remove it`);
  for (let draw = 0; draw < limits.idDraws; draw++) {
    const id = randomId();
    const path = join(root, id);
    try {
      mkdirSync(path, 0o700);
      return { id, path };
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && draw === 0) makeDirectories(root, 0o700);
      else if (errnoOf(error) !== 'EEXIST') throw error;
    }
  }
  throw new JobError('io_error', `could not draw a free job id in ${root}: ${limits.idDraws} collisions`);
}

function randomId(): string {
  let id = '';
  for (const word of crypto.getRandomValues(new Uint32Array(4))) id += word.toString(16).padStart(8, '0');
  return id;
}

/** Finds a job by its id or by a prefix that only one job has. Throws `job_not_found` or `ambiguous_job_id`. */
export function findJob(root: string, text: string): JobDir {
  if (!isJobName(text)) throw notFound(root, text);
  const exact = join(root, text);
  if (isDirectory(exact)) return { id: text, path: exact };
  const candidates = jobNames(root)
    .filter((name) => name.startsWith(text))
    .sort();
  const only = candidates[0];
  if (only === undefined) throw notFound(root, text);
  if (candidates.length === 1) return { id: only, path: join(root, only) };
  const shown = candidates.slice(0, candidatesMax);
  const more = candidates.length - shown.length;
  throw new JobError(
    'ambiguous_job_id',
    `job id ${text} matches ${candidates.length} jobs: ${shown.join(', ')}${more > 0 ? `, ... and ${more} more` : ''}; give more characters`,
    { details: { candidates: shown, truncated: more > 0 } },
  );
}

/** Names of all directories of a root that can be jobs; none when the root does not exist. */
export function jobNames(root: string): string[] {
  return unlessAbsent(() => readdirSync(root, { withFileTypes: true }))
    .filter((entry) => entry.isDirectory() && isJobName(entry.name))
    .map((entry) => entry.name);
}

/** Names of all that is in a root, jobs or not: half the price of {@link jobNames}. */
export const entryNames = (root: string): string[] => unlessAbsent(() => readdirSync(root));

function unlessAbsent<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** A symbolic link is none: it could lead anywhere. */
export function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function notFound(root: string, id: string): JobError {
  return new JobError(
    'job_not_found',
    `no job ${JSON.stringify(id)} in ${root}; kanade list --all shows the jobs there are`,
  );
}

/** Digits of a hash. */
export const hashLength = 8;

/** The list of launches of a root; `life/list.ts` reads it. */
export const launchesPath = (root: string): string => join(root, keeperDirName, 'launches');

/** Notes a launch. One short append, which the system does not mix with others. What the system says against it is no matter. */
export function noteLaunch(job: JobDir, startedAtMs: number, cwd: string): void {
  const root = dirname(job.path);
  try {
    makeKeeperDir(root);
    const fd = openForAppending(launchesPath(root));
    try {
      writeSync(fd, `${startedAtMs.toString(36)} ${hashOf(cwd)} ${job.id}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errnoOf(error) === undefined) throw error; // the list looks at the job itself
  }
}

/** FNV-1a, 32 bits: tells directories apart well enough to leave out most, and what is left is read. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16).padStart(hashLength, '0');
}

/** Most of what a root may hold. Without `bytesMax` and `inodesMax` only the jobs are counted. */
export interface RootLimits {
  /** Job directories; default 100,000. */
  readonly jobsMax?: number;
  /** Bytes of all files on the disk. */
  readonly bytesMax?: number;
  /** Files and directories. */
  readonly inodesMax?: number;
}

export interface RootUsage {
  readonly jobs: number;
  readonly bytes: number;
  readonly inodes: number;
}

/** How long a measured usage is good for, in ms: measuring looks at every file. */
const usageAgeMsMax = 10_000;

/**
 * The definition, if the root has room for another job, with its log limit lowered to the bytes that are left. Throws
 * `root_full` with `details` `{ limit, maximum, actual }` otherwise.
 */
export function withinLimits<T extends { readonly logBytesMax?: number }>(
  root: string,
  definition: T,
  rootLimits: RootLimits = {},
): T {
  const { jobsMax = limits.jobs, bytesMax, inodesMax } = rootLimits;
  if (mayHaveMore(root, jobsMax)) refuseOver(root, 'jobs', { maximum: jobsMax, actual: jobNames(root).length });
  if (bytesMax === undefined && inodesMax === undefined) return definition;
  const usage = recentUsage(root);
  refuseOver(root, 'inodes', { maximum: inodesMax ?? Number.POSITIVE_INFINITY, actual: usage.inodes });
  if (bytesMax === undefined) return definition;
  refuseOver(root, 'bytes', { maximum: bytesMax, actual: usage.bytes });
  return { ...definition, logBytesMax: Math.min(definition.logBytesMax ?? limits.logBytes, bytesMax - usage.bytes) };
}

function refuseOver(
  root: string,
  limit: keyof RootUsage,
  { maximum, actual }: { maximum: number; actual: number },
): void {
  if (actual < maximum) return;
  throw new JobError(
    'root_full',
    `the jobs root ${root} is full: ${actual} ${limit} of ${maximum}; kanade gc --older-than 1d deletes old jobs`,
    { details: { limit, maximum, actual } },
  );
}

/** A directory counts its subdirectories as links on most systems, which saves reading all names. */
function mayHaveMore(root: string, jobsMax: number): boolean {
  const links = statSync(root, { throwIfNoEntry: false })?.nlink ?? 2;
  return links < 2 || links - 2 >= jobsMax;
}

/** Measures a root: every file of every job. */
export function rootUsage(root: string): RootUsage {
  const names = jobNames(root);
  let [bytes, inodes] = [0, 0];
  for (const name of names) {
    inodes++;
    for (const entry of entriesBelow(join(root, name))) {
      inodes++;
      const stat = lstatSync(entry, { throwIfNoEntry: false });
      if (stat?.isFile()) bytes += Math.min(stat.size, stat.blocks * 512);
    }
  }
  return { jobs: names.length, bytes, inodes };
}

function entriesBelow(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true, recursive: true }).map((entry) =>
      join(entry.parentPath, entry.name),
    );
  } catch {
    return []; // deleted meanwhile, or not ours to look at: it counts as the one directory
  }
}

function recentUsage(root: string): RootUsage {
  const path = join(root, keeperDirName, 'usage.json');
  const known = parseUsage(readSmallFile(path));
  if (known) return known;
  const usage = rootUsage(root);
  try {
    makeKeeperDir(root);
    replaceFile(path, JSON.stringify({ ...usage, at_ms: Date.now() }));
  } catch (error) {
    if (!isNoRoom(error)) throw error; // measured anew by the next one
  }
  return usage;
}

function parseUsage(text: string | undefined): RootUsage | undefined {
  try {
    const { jobs, bytes, inodes, at_ms } = JSON.parse(text ?? '') as Record<string, unknown>;
    const ageMs = Date.now() - Number(at_ms);
    if (!(ageMs >= 0 && ageMs < usageAgeMsMax)) return undefined;
    if (typeof jobs !== 'number' || typeof bytes !== 'number' || typeof inodes !== 'number') return undefined;
    return { jobs, bytes, inodes };
  } catch {
    return undefined;
  }
}
