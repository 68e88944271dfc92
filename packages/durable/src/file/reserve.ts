/*
 * Removing a delivered record needs room too: for its pages in the WAL, and in the file for what the WAL still holds. On a disk
 * without a byte left neither is there, and what was delivered could not be removed. So a file of `diskReserveBytes` lies beside
 * the file. A removal that finds the disk full deletes it and goes on; an enqueue makes it again before it takes anything.
 */
import { randomFillSync } from 'node:crypto';
import { lstatSync, renameSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DurableError } from './error.ts';

export interface Reserve {
  /**
   * Sees to it that the reserve is there before records of this many bytes are added.
   * @throws DurableError `disk_full` when the disk has no room for it, `io_failed`
   */
  hold(addedBytes: number): void;
  /** Gives the room to the disk. @returns whether there was any to give */
  release(): boolean;
}

/** Where a reserve is not wanted or not possible. */
export const noReserve: Reserve = { hold() {}, release: () => false };

/** Part of a small disk that the reserve takes at most. */
const diskShare = 0.5;

/** The reserve of one file; nothing is made before the first `hold`. */
export function createReserve(path: string, reserveBytes: number): Reserve {
  if (reserveBytes === 0) return noReserve;
  const file = `${path}.reserve`;
  let wantedBytes: number | null = null;
  let isForbidden = false;

  function make(bytes: number): void {
    if (freeBytes(path) < bytes) throw full(path, bytes);
    try {
      // Noise, because a disk that compresses would keep no room for zeros.
      writeFileSync(file, randomFillSync(new Uint8Array(bytes)), { mode: 0o600 });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (forbidden.includes(code)) isForbidden = true;
      else if (!noRoom.includes(code)) throw failed(path, error);
      else {
        rmSync(file, { force: true });
        throw full(path, bytes, error);
      }
    }
  }

  return {
    hold(addedBytes) {
      wantedBytes ??= Math.min(reserveBytes, Math.floor(totalBytes(path) * diskShare));
      // The reserve answers for what one usual commit leaves in the WAL; a larger one needs room of its own, there and in the file.
      if (addedBytes * 2 > reserveBytes && freeBytes(path) < addedBytes * 2) throw full(path, addedBytes * 2);
      if (isForbidden) return;
      const found = lstatSync(file, { throwIfNoEntry: false });
      if (found && !found.isFile()) moveAway(path, file);
      if (!found?.isFile() || found.size < wantedBytes) make(wantedBytes);
    },
    release() {
      const found = lstatSync(file, { throwIfNoEntry: false });
      if (!found?.isFile()) return false;
      try {
        unlinkSync(file);
        return true;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? '';
        // Another process may have been quicker.
        if (code !== 'ENOENT' && !forbidden.includes(code)) throw failed(path, error);
        return code === 'ENOENT';
      }
    },
  };
}

/** Whatever somebody put in the reserve's place keeps nobody from adding records: it is kept under a dated name. */
function moveAway(path: string, file: string): void {
  try {
    renameSync(file, `${file}-${Date.now()}`);
  } catch (error) {
    throw failed(path, error);
  }
}

const noRoom: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG'];
/** Where no file can be made beside the file, there is none; SQLite says by itself when it cannot write either. */
const forbidden: readonly string[] = ['EACCES', 'EPERM', 'EROFS'];

function totalBytes(path: string): number {
  const { blocks, bsize } = statfsSync(dirname(path));
  return blocks * bsize;
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(dirname(path));
  return bavail * bsize;
}

function full(path: string, bytes: number, cause?: unknown): DurableError {
  const message = `Cannot add to ${path}: the disk has less than the ${bytes} bytes left that removing records may need; make room`;
  return new DurableError('disk_full', message, { cause });
}

function failed(path: string, cause: unknown): DurableError {
  return new DurableError('io_failed', `Cannot keep a reserve for ${path}: ${(cause as Error).message}`, {
    cause,
  });
}
