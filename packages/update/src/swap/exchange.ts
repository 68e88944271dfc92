/** Puts one executable in the place of another. At every moment there is a whole program at the path. */
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { syncDirectory } from '@kanade/durable/files';
import type { Places } from '../state/state-dir.ts';
import { faultOf } from './stage.ts';

/** Leads the guard to the directory in which this trial is counted; on disk with the next step. */
export function putPointer({ pointer }: Places, dir: string): void {
  try {
    rmSync(pointer, { force: true });
    symlinkSync(resolve(dir), pointer);
  } catch (error) {
    throw faultOf(error, pointer);
  }
}

export const dropPointer = ({ pointer }: Places): void => rmSync(pointer, { force: true });

/** Keeps what is at the path as `.old`, another name of the same file. */
export function keepOld({ program, old }: Places): void {
  const next = `${old}.new`;
  try {
    rmSync(next, { force: true });
    link(program, next);
    renameSync(next, old);
    syncDirectory(dirname(program));
  } catch (error) {
    throw faultOf(error, old);
  }
}

/** Puts `.new` in its place. */
export function putNew({ program, next }: Places): void {
  try {
    renameSync(next, program);
  } catch (error) {
    throw faultOf(error, program);
  }
  try {
    syncDirectory(dirname(program));
  } catch {
    // It is in its place; after a power cut the old one may be, and then the trial was none.
  }
}

/** Puts `.old` back; false where there is none. */
export function putOldBack({ program, old }: Places): boolean {
  try {
    renameSync(old, program);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  syncDirectory(dirname(program));
  return true;
}

/** Removes what stands beside the program. */
export function clearBeside({ next, old, pointer }: Places): void {
  for (const path of [next, old, `${old}.new`, pointer]) rmSync(path, { force: true });
}

/** Whether something does. */
export const isBeside = ({ next, old, pointer }: Places): boolean =>
  existsSync(next) || existsSync(old) || lstatSync(pointer, { throwIfNoEntry: false }) !== undefined;

/** Where a file cannot have two names it is copied. */
function link(from: string, to: string): void {
  try {
    linkSync(from, to);
    return;
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw error;
  }
  copyFileSync(from, to);
  const file = openSync(to, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
