/**
 * The agent's own log on disk: `agent.log` and the file before it, each of a bounded size, or those of some days. Whoever follows it
 * has a position that outlives a change of the file. What cannot be written is left out: a full disk must not keep the agent from its work.
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
import { dayOf, dropOld, newestRolled, rollAway } from './log-days.ts';

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
  /**
   * Keeps the log in this file from now on, which nobody else may be able to exchange. Disposing of it lets go of the file. With
   * `keepDays` a file of its own for each of so many days, today's among them; 0: none.
   */
  keepIn(path: string, keepDays?: number): Disposable;
}

/** A log that goes to `write`, each line before the call returns, and into a file as soon as it is known in which. */
export function createLogFile(write: (line: string) => void): LogFile {
  const listeners = new Set<() => void>();
  let kept: (Kept & { append(line: string): void; close(): void }) | undefined;
  return {
    write(line) {
      write(line);
      kept?.append(line);
      for (const listener of [...listeners]) listener();
    },
    keepIn(path, keepDays) {
      const chosen = keepDays === 0 ? undefined : createKept(path, keepDays);
      kept = chosen;
      return {
        [Symbol.dispose]() {
          if (kept === chosen) kept = undefined;
          chosen?.close();
        },
      };
    },
    last: (lines, bytesMax) => (kept === undefined ? nothing : readLast(kept, lines, bytesMax)),
    since: (position, bytesMax) => (kept === undefined ? nothing : readSince(kept, position, bytesMax)),
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The file, and where the part of the log lies that is before it. */
interface Kept {
  readonly path: string;
  before(): string | undefined;
}

interface OpenLog {
  readonly fd: number;
  bytes: number;
  /** The day of what stands in it. */
  readonly day: number;
}

function createKept(path: string, keepDays: number | undefined) {
  let quietUntilMs = 0;
  let open: OpenLog | undefined;

  function close(): void {
    if (open) closeSync(open.fd);
    open = undefined;
  }
  function roll(day: number): OpenLog {
    close();
    if (keepDays === undefined) renameSync(path, `${path}.1`);
    else {
      rollAway(path, day);
      dropOld(path, keepDays, dayOf(Date.now()));
    }
    return openLog(path);
  }
  return {
    path,
    before: (): string | undefined => (keepDays === undefined ? `${path}.1` : newestRolled(path)),
    close,
    append(line: string): void {
      if (performance.now() < quietUntilMs) return;
      try {
        const bytes = Buffer.byteLength(line);
        open ??= openLog(path);
        const isOld = keepDays !== undefined && open.day !== dayOf(Date.now());
        if (open.bytes > 0 && (isOld || open.bytes + bytes > limits.logFileBytesMax)) open = roll(open.day);
        writeSync(open.fd, line);
        open.bytes += bytes;
      } catch (error) {
        // Where the log goes besides has the line. The file is tried again with the next one, unless room is what it lacks: that which
        // somebody makes is for endings first.
        if (noRoom.includes((error as NodeJS.ErrnoException).code ?? ''))
          quietUntilMs = performance.now() + limits.logQuietMs;
        close();
      }
    },
  };
}

const noRoom: readonly string[] = ['ENOSPC', 'EDQUOT'];
const nothing: LogPart = { text: '', position: '', hasGap: false };
/** None on Windows. */
const noFollow = constants.O_NOFOLLOW ?? 0;

function openLog(path: string): OpenLog {
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow, 0o600);
  const { size, mtimeMs } = fstatSync(fd);
  return { fd, bytes: size, day: dayOf(size > 0 ? mtimeMs : Date.now()) };
}

/** Tells one file from that which has its name, and maybe its number, later. */
const idOf = ({ ino, birthtimeMs }: Stats): string => `${ino}-${Math.floor(birthtimeMs)}`;

interface Looked {
  readonly id: string;
  readonly bytes: number;
  readonly path: string;
}

function look(path: string | undefined): Looked | undefined {
  const stat = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false });
  return path !== undefined && stat?.isFile() ? { id: idOf(stat), bytes: stat.size, path } : undefined;
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

function readLast({ path, before }: Kept, lines: number, bytesMax: number): LogPart {
  const now = look(path);
  const position = now ? `${now.id}:${now.bytes}` : '';
  if (!now || lines === 0) return { text: '', position, hasGap: false };
  const taken = Math.min(now.bytes, bytesMax);
  let bytes = read(now, now.bytes - taken, taken);
  const old = taken < bytesMax && countLines(bytes) < lines ? look(before()) : undefined;
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

function readSince({ path, before }: Kept, position: string, bytesMax: number): LogPart {
  const [id = '', text = ''] = position.split(':');
  const from = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  const now = look(path);
  if (!now) return nothing;
  if (now.id === id && from <= now.bytes) return partOf(now, from, bytesMax);
  const old = look(before());
  if (old?.id !== id || !(from <= old.bytes)) return { ...partOf(old ?? now, 0, bytesMax), hasGap: true };
  return from === old.bytes ? partOf(now, 0, bytesMax) : partOf(old, from, bytesMax);
}

function partOf(file: Looked, from: number, bytesMax: number): LogPart {
  const bytes = read(file, from, Math.min(bytesMax, file.bytes - from));
  // A line that is longer than all that fits goes in pieces.
  const end = from + bytes.length < file.bytes ? bytes.lastIndexOf(10) + 1 || bytes.length : bytes.length;
  return { text: bytes.toString('utf8', 0, end), position: `${file.id}:${from + end}`, hasGap: false };
}
