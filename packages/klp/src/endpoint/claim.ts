/*
 * Takes a socket path for this process: makes the directory, refuses what is unsafe, clears what a dead server left.
 * A live server's socket is never taken: a stale one is first moved aside, asked once more there, and moved back if somebody answers after all.
 */
import { chmodSync, linkSync, lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { addressBytesMax, SocketError, translateOsError } from './address.ts';
import { connectSocket } from './dial.ts';
import { directoryProblem, trustedUids } from './trust.ts';

/** Leaves nothing at `path`, in a directory that is safe. Rejects with SocketError. */
export async function claimAddress(path: string, { timeoutMs }: { timeoutMs: number }): Promise<void> {
  try {
    makeDirectory(resolve(dirname(path)));
    const problem = directoryProblem(path, trustedUids());
    if (problem !== undefined) throw unsafe(path, problem);
    for (let socket = findSocket(path); socket; socket = findSocket(path)) {
      if (await answers(path, timeoutMs)) throw inUse(path);
      await removeStale(path, { judged: socket, timeoutMs });
    }
  } catch (error) {
    throw translateOsError(error, { attempt: 'listen', path });
  }
}

/** Everybody may come in, whatever the umask of whoever started us. */
function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (first === undefined) return;
  for (let at = directory; at.length >= first.length; at = dirname(at)) chmodSync(at, 0o755);
}

/** What is at the path, told apart from anything that takes its place later: a number of an inode is soon used again. */
function findSocket(path: string): string | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false, bigint: true });
  if (!found) return undefined;
  if (found.isSocket()) return `${found.dev}:${found.ino}:${found.ctimeNs}`;
  const what = found.isSymbolicLink() ? 'a symbolic link' : 'not a socket';
  throw unsafe(path, `${what} is there; remove it or choose another path`);
}

async function answers(path: string, timeoutMs: number): Promise<boolean> {
  try {
    const socket = await connectSocket({ path, timeoutMs });
    socket.destroy();
    return true;
  } catch (error) {
    if (error instanceof SocketError && (error.code === 'server_stopped' || error.code === 'server_absent'))
      return false;
    if (error instanceof SocketError && error.code === 'permission_denied') throw error;
    // No clear no: a server that is too busy to accept is alive.
    return true;
  }
}

async function removeStale(path: string, { judged, timeoutMs }: { judged: string; timeoutMs: number }): Promise<void> {
  // Since it was asked, another server may have cleared it away and begun to listen.
  if (findSocket(path) !== judged) return;
  const target = join(dirname(path), `.${crypto.randomUUID().slice(0, 8)}`);
  if (Buffer.byteLength(target) > addressBytesMax()) return unlinkSync(path);
  try {
    renameSync(path, target);
  } catch (error) {
    // Another server that starts right now moved it first; who of both may have the path, binding decides.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (await answers(target, timeoutMs)) {
    linkSync(target, path);
    unlinkSync(target);
    throw inUse(path);
  }
  unlinkSync(target);
}

function unsafe(path: string, detail: string): SocketError {
  return new SocketError('address_unsafe', path, { message: `listen: ${path}: ${detail}` });
}

function inUse(path: string): SocketError {
  return new SocketError('address_in_use', path, {
    message: `listen: ${path}: a live server answers there; stop it or choose another path`,
  });
}
