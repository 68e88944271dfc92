/**
 * The agent's own log on disk: `agent.log` and the file before it, each of a bounded size. Whoever follows it has a position that
 * outlives a change of the file. What cannot be written is left out: a full disk must not keep the agent from its work.
 */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readSync,
  renameSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { limits } from '../limits.ts';

/** A part of the log. */
export interface LogPart {
  readonly text: string;
  /** Where the next part begins, for `since`. */
  readonly position: string;
  /** What stood between the position that was asked for and this part is there no more. */
  readonly hasGap: boolean;
}

/** Reads the log; costs nothing while nobody does. */
export interface LogReader {
  /** The last lines, within so many bytes. */
  last(lines: number, bytesMax: number): LogPart;
  /** Whole lines behind a position, at most so many bytes of them. */
  since(position: string, bytesMax: number): LogPart;
  /** Calls back after each line until the returned function is called. */
  onLine(listener: () => void): () => void;
}

export interface LogFile extends LogReader {
  /** Writes a line to where the log goes, and to the file when there is one. Never throws. */
  write(line: string): void;
  /** Keeps the log in this file from now on, which nobody else may be able to exchange. Disposing of it lets go of the file. */
  keepIn(path: string): Disposable;
}

/** A log that goes to `write`, each line before the call returns, and into a file as soon as it is known in which. */
export function createLogFile(write: (line: string) => void): LogFile {
  const listeners = new Set<() => void>();
  let path: string | undefined;
  let quietUntilMs = 0;
  let open: { readonly fd: number; bytes: number } | undefined;

  function append(line: string): void {
    if (path === undefined || performance.now() < quietUntilMs) return;
    try {
      const bytes = Buffer.byteLength(line);
      open ??= openLog(path);
      if (open.bytes > 0 && open.bytes + bytes > limits.logFileBytesMax) {
        closeSync(open.fd);
        open = undefined;
        renameSync(path, before(path));
        open = openLog(path);
      }
      writeSync(open.fd, line);
      open.bytes += bytes;
    } catch (error) {
      // Where the log goes besides has the line. The file is tried again with the next one, unless room is what it lacks: that which
      // somebody makes is for endings first.
      if (noRoom.includes((error as NodeJS.ErrnoException).code ?? ''))
        quietUntilMs = performance.now() + limits.logQuietMs;
      if (open) closeSync(open.fd);
      open = undefined;
    }
  }

  return {
    write(line) {
      write(line);
      append(line);
      for (const listener of [...listeners]) listener();
    },
    keepIn(chosen) {
      path = chosen;
      return {
        [Symbol.dispose]() {
          path = undefined;
          if (open) closeSync(open.fd);
          open = undefined;
        },
      };
    },
    last: (lines, bytesMax) => (path === undefined ? nothing : readLast(path, lines, bytesMax)),
    since: (position, bytesMax) => (path === undefined ? nothing : readSince(path, position, bytesMax)),
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const noRoom: readonly string[] = ['ENOSPC', 'EDQUOT'];
const nothing: LogPart = { text: '', position: '', hasGap: false };
const before = (path: string): string => `${path}.1`;
/** None on Windows. */
const noFollow = constants.O_NOFOLLOW ?? 0;

function openLog(path: string): { fd: number; bytes: number } {
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow, 0o600);
  return { fd, bytes: fstatSync(fd).size };
}

/** Tells one file from that which has its name, and maybe its number, later. */
const idOf = ({ ino, birthtimeMs }: Stats): string => `${ino}-${Math.floor(birthtimeMs)}`;

interface Looked {
  readonly id: string;
  readonly bytes: number;
  readonly path: string;
}

function look(path: string): Looked | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat?.isFile() ? { id: idOf(stat), bytes: stat.size, path } : undefined;
}

function read({ path }: Looked, from: number, bytesMax: number): Buffer {
  const fd = openSync(path, constants.O_RDONLY | noFollow);
  try {
    const bytes = Buffer.allocUnsafe(Math.max(0, bytesMax));
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, from));
  } finally {
    closeSync(fd);
  }
}

function readLast(path: string, lines: number, bytesMax: number): LogPart {
  const now = look(path);
  const position = now ? `${now.id}:${now.bytes}` : '';
  if (!now || lines === 0) return { text: '', position, hasGap: false };
  const taken = Math.min(now.bytes, bytesMax);
  let bytes = read(now, now.bytes - taken, taken);
  const old = taken < bytesMax && countLines(bytes) < lines ? look(before(path)) : undefined;
  if (old) {
    const more = Math.min(old.bytes, bytesMax - taken);
    bytes = Buffer.concat([read(old, old.bytes - more, more), bytes]);
  }
  const isWhole = taken === now.bytes && (!old || bytes.length - taken === old.bytes);
  return { text: lastLines(bytes, lines, isWhole), position, hasGap: false };
}

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
  return count;
}

/** The last lines; of a part that does not begin with a line, without what is cut. */
function lastLines(bytes: Buffer, lines: number, isWhole: boolean): string {
  const begin = isWhole ? 0 : bytes.indexOf(10) + 1;
  let at = bytes.length - 1;
  for (let found = 0; found < lines && at > begin; found++) at = bytes.lastIndexOf(10, at - 1);
  return bytes.toString('utf8', Math.max(begin, at + 1));
}

function readSince(path: string, position: string, bytesMax: number): LogPart {
  const [id = '', text = ''] = position.split(':');
  const from = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const now = look(path);
  if (!now) return nothing;
  if (now.id === id && from <= now.bytes) return partOf(now, from, bytesMax);
  const old = look(before(path));
  if (old?.id !== id || !(from <= old.bytes)) return { ...partOf(old ?? now, 0, bytesMax), hasGap: true };
  return from === old.bytes ? partOf(now, 0, bytesMax) : partOf(old, from, bytesMax);
}

function partOf(file: Looked, from: number, bytesMax: number): LogPart {
  const bytes = read(file, from, Math.min(bytesMax, file.bytes - from));
  // A line that is longer than all that fits goes in pieces.
  const end = from + bytes.length < file.bytes ? bytes.lastIndexOf(10) + 1 || bytes.length : bytes.length;
  return { text: bytes.toString('utf8', 0, end), position: `${file.id}:${from + end}`, hasGap: false };
}
