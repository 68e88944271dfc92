import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { identify, isAlive, type ProcessIdentity } from '../process/identity.ts';
import { errnoOf, JobError } from './job-error.ts';
import type { JobDir } from './layout.ts';
import { readSmallFile } from './record.ts';

/**
 * Does something that only one process may do to a job at a time, such as a restart. Throws `invalid_state` when somebody
 * else is at it.
 */
export async function withClaim<T>(job: JobDir, what: string, work: () => Promise<T> | T): Promise<T> {
  using lock = takeLock(`${job.path}/.${what}.lock`);
  if (!lock) throw new JobError('invalid_state', `job ${job.id}: another ${what} of it is under way`);
  return await work();
}

/**
 * Takes a lock file, which holds the identity of its holder; undefined when a live process has it. One that a dead
 * process left behind does not count.
 */
export function takeLock(path: string): Disposable | undefined {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const fd = openSync(path, 'wx', 0o600);
      writeSync(fd, JSON.stringify(identify(process.pid)));
      closeSync(fd);
      return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    } catch (cause) {
      if (errnoOf(cause) !== 'EEXIST') throw cause;
      if (attempt > 0 || isHeld(path)) return undefined;
      rmSync(path, { force: true });
    }
  }
  return undefined;
}

function isHeld(path: string): boolean {
  const text = readSmallFile(path);
  if (text === undefined) return false;
  try {
    return isAlive(JSON.parse(text) as ProcessIdentity);
  } catch {
    return text !== ''; // empty: the ancestor's lock, or one being written; no call holds it for longer than a moment
  }
}
