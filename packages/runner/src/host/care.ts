/**
 * Asking for care: a job that outlives its caller, or has a deadline, gets a marker below the root's `.host`
 * directory; the host process of the root works through the markers. The marker is on disk before anybody relies on
 * it, so a host that is killed at any moment is replaced by the next call, which finds the same markers.
 */
import { closeSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isJobName } from '@kanade/shared/job';
import { hostDirName, type JobDir } from '../job/layout.ts';
import { readSmallFile } from '../job/record.ts';
import { openForAppending } from '../job/replace-file.ts';
import { makeHostDir } from '../job/store.ts';
import { isAlive, type ProcessIdentity } from '../process/identity.ts';
import { spawnProgram } from '../process/spawn.ts';

export interface HostPaths {
  /** Markers, one empty file per job. */
  readonly jobs: string;
  /** Identity of the host that serves this root, while there is one. */
  readonly identity: string;
  /** Held by the one host of this root; the system releases it when that host dies. */
  readonly lock: string;
}

export function hostPaths(root: string): HostPaths {
  const dir = join(root, hostDirName);
  return { jobs: join(dir, 'jobs'), identity: join(dir, 'host.json'), lock: join(dir, 'lock.db') };
}

/** Marks a job for the host of its root. */
export function markForCare(root: string, job: JobDir): void {
  const { jobs } = hostPaths(root);
  makeHostDir(root);
  mkdirSync(jobs, { recursive: true, mode: 0o700 });
  closeSync(openForAppending(join(jobs, job.id)));
}

/** Gives a job into the care of the root's keeper, which is started by `words` unless one lives. */
export function handOver(root: string, job: JobDir, words: readonly string[]): void {
  markForCare(root, job);
  ensureHost(root, words);
}

export const isMarked = (root: string, job: JobDir): boolean => existsSync(join(hostPaths(root).jobs, job.id));

/** The job ids that are marked. */
export function markedJobs(root: string): string[] {
  const { jobs } = hostPaths(root);
  return existsSync(jobs) ? readdirSync(jobs).filter(isJobName) : [];
}

/** Removes a marker: the job needs no care any more. */
export function unmark(root: string, jobId: string): void {
  rmSync(join(hostPaths(root).jobs, jobId), { force: true });
}

/** The live host of a root, if there is one. */
export function liveHost(root: string): ProcessIdentity | undefined {
  const text = readSmallFile(hostPaths(root).identity);
  if (text === undefined) return undefined;
  try {
    const identity = JSON.parse(text) as ProcessIdentity;
    return isAlive(identity) ? identity : undefined;
  } catch {
    return undefined; // half written or damaged: whoever holds the lock will write it again
  }
}

/** Starts the host process of a root unless one lives. `command` are the words that run `runHost` on that root. */
export function ensureHost(root: string, command: readonly string[]): void {
  if (!liveHost(root)) spawnProgram(command);
}

export { liveHost as liveKeeper };
