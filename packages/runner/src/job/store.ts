/** A jobs root: where jobs are made and found. */
import { lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isJobName } from '@kanade/shared/job';
import { errnoOf, JobError } from './job-error.ts';
import { hostDirName, type JobDir, limits } from './layout.ts';
import { makeDirectories } from './replace-file.ts';

/** Most ids that an ambiguity error names. */
const candidatesMax = 20;

/** A job directory of this root by its exact id, whether or not it exists. Throws `job_not_found` for a name that cannot be one. */
export function jobDir(root: string, id: string): JobDir {
  if (!isJobName(id)) throw notFound(root, id);
  return { id, path: join(root, id) };
}

/** Makes the directory in a root that holds what the host needs. Throws `io_error` for a link or a file in its place. */
export function makeHostDir(root: string): string {
  const path = join(root, hostDirName);
  if (isDirectory(path)) return path;
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) makeDirectories(path, 0o700);
  if (isDirectory(path)) return path;
  throw new JobError('io_error', `${path} is no directory: remove it`);
}

/** Makes a directory with a fresh id of 32 hexadecimal characters, mode 0700, and the root, as private, if there is none. */
export function makeJobDir(root: string): JobDir {
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
  for (const byte of crypto.getRandomValues(new Uint8Array(16))) id += byte.toString(16).padStart(2, '0');
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
