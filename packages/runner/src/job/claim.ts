import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';
import { errnoOf, JobError } from './job-error.ts';
import type { JobDir } from './layout.ts';
import { readSmallFile } from './record.ts';

/**
 * Does something that only one process may do to a job at a time, such as a restart. The claim is a file with the
 * holder's identity: one that a dead process left behind does not count. Throws `invalid_state` when somebody else is at it.
 */
export async function withClaim<T>(job: JobDir, what: string, work: () => Promise<T> | T): Promise<T> {
  const path = `${job.path}/.${what}.lock`;
  acquire(path, job, what);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function acquire(path: string, job: JobDir, what: string): void {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(path, 'wx', 0o600);
      writeSync(fd, JSON.stringify(identify(process.pid)));
      closeSync(fd);
      return;
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') throw cause;
      if (attempt > 0 || isHeld(path)) {
        throw new JobError('invalid_state', `job ${job.id}: another ${what} of it is under way`, { cause });
      }
      rmSync(path, { force: true });
    }
  }
}

function isHeld(path: string): boolean {
  const text = readSmallFile(path);
  if (text === undefined) return false;
  try {
    return isAlive(JSON.parse(text) as ProcessIdentity);
  } catch {
    return true; // being written right now
  }
}
