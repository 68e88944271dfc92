import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { errnoOf } from './job-error.ts';

/**
 * Replaces a file so that readers see the old or the new content, never a mixture. The file gets mode 0600. With
 * `durable`, content and name survive a power cut (fsync of file and directory); without, a process death.
 */
export function replaceFile(path: string, content: string, { durable = false } = {}): void {
  const random = crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36);
  const temp = `${dirname(path)}/.tmp-${process.pid}-${random}`;
  const fd = openSync(temp, 'wx', 0o600);
  try {
    try {
      writeFileSync(fd, content); // all of it: a nearly full disk takes a part without an error
      if (durable) fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temp, path);
  } catch (error) {
    unlinkSync(temp);
    throw error;
  }
  if (!durable || process.platform === 'win32') return;
  const dirFd = openSync(dirname(path), 'r');
  fsyncSync(dirFd);
  closeSync(dirFd);
}

/**
 * Opens a file for appending and makes it if there is none, mode 0600. A symbolic link in its place is refused
 * (`ELOOP`): whoever planted it wants us to write elsewhere.
 */
export const openForAppending = (path: string): number =>
  openSync(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), // none on Windows
    0o600,
  );

/** Makes a directory and those above it. Not `recursive`: below a place like `/proc` that never returns on Node. */
export function makeDirectories(path: string, mode?: number): void {
  try {
    makeDirectory(path, mode);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectories(dirname(path), mode);
    makeDirectory(path, mode);
  }
}

function makeDirectory(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !statSync(path).isDirectory()) throw error;
  }
}

/**
 * Opens a file of a job for reading. A symbolic link is refused (`ELOOP`): it could lead to what the job itself may not read,
 * but its reader may. A pipe in its place reads as empty and keeps nobody waiting.
 */
export const openForReading = (path: string): number =>
  openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)); // none on Windows

/** Writes a file that nobody can know of yet, mode 0600: without the rename, which costs more than the write. */
export const writeNewFile = (path: string, content: string | Uint8Array): void =>
  writeFileSync(path, content, { flag: 'wx', mode: 0o600 });

/** What a disk says that takes nothing: full, over quota, read-only, or not ours to write. */
const noRoom = ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM'];

/** True for the error of a disk that takes nothing. */
export const isNoRoom = (error: unknown): boolean => noRoom.includes(errnoOf(error) ?? '');

/** The same, for what can be computed again later; false when the disk takes nothing. */
export function replaceFileIfRoom(path: string, content: string): boolean {
  try {
    replaceFile(path, content);
    return true;
  } catch (error) {
    if (isNoRoom(error)) return false;
    throw error;
  }
}

/** JSON as the files of a job hold it: for people too. */
export const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
