/** How full a root is, and whether another job fits: jobs, bytes, inodes. */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { JobError } from '../job-error.ts';
import type { JobDefinition } from '../life/definition.ts';
import { isNoRoom, replaceFile } from '../record/files.ts';
import { keeperDirName, limits, readSmallFile } from '../record/layout.ts';
import { jobNames, makeKeeperDir } from '../record/root.ts';

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
export function withinLimits(root: string, definition: JobDefinition, rootLimits: RootLimits = {}): JobDefinition {
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
