/** Brings the bytes of an executable beside the one that they shall replace. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import type { ReleaseFile } from '@kanade/shared/release';
import { UpdateError } from '../fault/update-error.ts';

/** Of a file that is read again, in bytes: hashing one part holds the event loop for a millisecond or two. */
const partBytes = 1024 * 1024;

/**
 * Writes `path` anew and leaves it executable, whole, on disk and with the hash that was signed, or not there at all. Nobody can run it
 * before its hash was right, and the hash is the file's, not that of what came in. Throws UpdateError `bytes_too_many` (at the first
 * byte too much), `bytes_too_few`, `bytes_wrong`, `no_room`, `not_writable`; what `bytes` and `signal` throw as it is.
 */
export async function stage(
  path: string,
  { bytes: size, sha256, name }: ReleaseFile,
  bytes: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  await rm(path, { force: true });
  let file: FileHandle;
  try {
    file = await open(path, 'wx+', 0o600);
  } catch (error) {
    throw faultOf(error, path);
  }
  try {
    await write(file, { path, size, name, bytes, signal });
    const found = await hashOf(file, size);
    if (found !== sha256)
      throw new UpdateError(
        'bytes_wrong',
        `${name} is not what was signed: its SHA-256 is ${found}, signed is ${sha256}`,
      );
    await file.chmod(0o755);
    await file.sync();
    await file.close();
  } catch (error) {
    await file.close().catch(() => {});
    await rm(path, { force: true });
    throw error;
  }
}

interface Incoming {
  readonly path: string;
  readonly size: number;
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly signal?: AbortSignal | undefined;
}

async function write(file: FileHandle, { path, size, name, bytes, signal }: Incoming): Promise<void> {
  let written = 0;
  for await (const part of bytes) {
    signal?.throwIfAborted();
    if (written + part.length > size)
      throw new UpdateError('bytes_too_many', `${name} is larger than the ${size} bytes that were signed`);
    try {
      await file.writeFile(part);
    } catch (error) {
      throw faultOf(error, path);
    }
    written += part.length;
  }
  signal?.throwIfAborted();
  if (written < size)
    throw new UpdateError('bytes_too_few', `${name} ends after ${written} of the ${size} bytes that were signed`);
  try {
    await file.sync();
  } catch (error) {
    throw faultOf(error, path);
  }
}

async function hashOf(file: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256');
  const part = Buffer.allocUnsafe(Math.min(partBytes, size));
  for (let at = 0; ; ) {
    const { bytesRead } = await file.read(part, 0, part.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(part.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** What the system says about the place of a program, in our words. */
export function faultOf(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UpdateError('no_room', `there is no room for ${path}`, { cause: error });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new UpdateError('not_writable', `${path} cannot be written by this user (${code})`, { cause: error });
  return error;
}
