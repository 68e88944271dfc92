/**
 * Scripts from the object store on this disk, `<data>/script_cache/<sha256>` (0600). A file is believed as far as its bytes have the
 * hash that it is called by: whatever else happened to it, it counts as not there. So nothing has to be synced.
 */
import { createHash, randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { scriptObjectBytesMax } from '@kanade/shared/fleet-words';

export interface ScriptCache {
  /** The script with this SHA-256 (hex); undefined when it is not there, or not it any more. */
  read(sha256: string): Buffer | undefined;
  /** Takes a script in, and away what was not read for longest until all fit. False when there is no room. Throws what the disk does. */
  keep(sha256: string, bytes: Uint8Array): boolean;
  /** Leaves a script where it is until that is disposed of. */
  hold(sha256: string): Disposable;
}

interface Limits {
  readonly bytesMax: number;
  readonly filesMax: number;
}

export function openScriptCache(dir: string, limits: Limits): ScriptCache {
  const holds = new Map<string, number>();
  let isSwept = false;
  return {
    read(sha256) {
      const bytes = readPlain(join(dir, sha256));
      if (!bytes || hexOf(bytes) !== sha256) return undefined;
      touch(join(dir, sha256));
      return bytes;
    },
    keep(sha256, bytes) {
      if (!isSwept) sweep(dir);
      isSwept = true;
      const others = kept(dir).filter(({ name }) => name !== sha256);
      if (!makeRoom(dir, { others, isHeld: (name) => holds.has(name), bytes: bytes.byteLength, limits })) return false;
      const path = join(dir, `${sha256}.${randomUUID()}`);
      try {
        writeFileSync(path, bytes, { flag: 'wx', mode: 0o600 });
        renameSync(path, join(dir, sha256));
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
      return true;
    },
    hold(sha256) {
      holds.set(sha256, (holds.get(sha256) ?? 0) + 1);
      let isOver = false;
      return {
        [Symbol.dispose]() {
          if (isOver) return;
          isOver = true;
          const left = (holds.get(sha256) ?? 1) - 1;
          if (left > 0) holds.set(sha256, left);
          else holds.delete(sha256);
        },
      };
    },
  };
}

/** A link, a pipe or something huge is no script of ours, whoever put it there. */
function readPlain(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // not there, or nothing that can be read: it is fetched
  }
  try {
    const stats = fstatSync(file);
    return stats.isFile() && stats.size <= scriptObjectBytesMax ? readFileSync(file) : undefined;
  } catch {
    return undefined; // a disk that cannot be read has nothing
  } finally {
    closeSync(file);
  }
}

/** When it was read last; for the order in which scripts go, so nothing is lost when it cannot be noted. */
function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // A read-only disk still has its scripts.
  }
}

/** What a write that was cut off has left. */
function sweep(dir: string): void {
  for (const name of readdirSync(dir)) {
    if (!isScript(name)) rmSync(join(dir, name), { recursive: true, force: true });
  }
}

const isScript = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);

interface Kept {
  readonly name: string;
  readonly bytes: number;
  readonly usedAtMs: number;
}

function kept(dir: string): Kept[] {
  return readdirSync(dir)
    .filter(isScript)
    .flatMap((name) => {
      const stats = lstatSync(join(dir, name), { throwIfNoEntry: false });
      return stats ? [{ name, bytes: stats.size, usedAtMs: stats.mtimeMs }] : [];
    });
}

interface Room {
  readonly others: readonly Kept[];
  readonly isHeld: (name: string) => boolean;
  /** What comes in. */
  readonly bytes: number;
  readonly limits: Limits;
}

/** Nothing goes when room cannot be made. */
function makeRoom(dir: string, { others, isHeld, bytes, limits: { bytesMax, filesMax } }: Room): boolean {
  let left = others.length + 1;
  let size = bytes + others.reduce((sum, other) => sum + other.bytes, 0);
  const going: string[] = [];
  for (const { name, bytes: freed } of others.filter((other) => !isHeld(other.name)).sort(byAge)) {
    if (size <= bytesMax && left <= filesMax) break;
    going.push(name);
    size -= freed;
    left--;
  }
  if (size > bytesMax || left > filesMax) return false;
  for (const name of going) rmSync(join(dir, name), { recursive: true, force: true });
  return true;
}

const byAge = (a: Kept, b: Kept): number => a.usedAtMs - b.usedAtMs;

const hexOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
