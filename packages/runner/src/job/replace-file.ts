import { closeSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

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
      writeSync(fd, content);
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

/** JSON as the files of a job hold it: for people too. */
export const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
