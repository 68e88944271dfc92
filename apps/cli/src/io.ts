import { fstatSync, statSync, writeSync } from 'node:fs';

/** What a program gets from the outside. Only `apps/kanade` and the npm bin build one from the real process. */
export interface Io {
  /** Writes text to standard output before it returns. */
  stdout(text: string): void;
  /** Writes text to standard error before it returns. */
  stderr(text: string): void;
  /** True once standard output could not be written because its reader had gone. */
  readonly isUnread?: () => boolean;
  /** Whether standard output (1) or error (2) is a terminal; without it neither is. */
  readonly isTerminal?: (stream: 1 | 2) => boolean;
  /** Standard input, for a protocol, and for what asks for a secret; without it nobody can be asked. */
  readonly stdin?: () => NodeJS.ReadStream;
  /** Standard output as a stream, for a protocol that is spoken there for as long as the program runs. */
  readonly stdoutStream?: () => NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user or the system asks the program to end. */
  readonly signal: AbortSignal;
}

/** The io of the real process. Listening for signals starts with the first look at `signal`, because it costs time. */
export function processIo(): Io {
  let stop: AbortController | undefined;
  let unread = false;
  return {
    stdout: (text) => {
      if (!writeWhole(1, text)) unread = true;
    },
    stderr: (text) => {
      writeWhole(2, text);
    },
    isUnread: () => unread,
    isTerminal: isTerminalAt,
    stdin: () => process.stdin,
    stdoutStream: () => process.stdout,
    env: process.env,
    get signal() {
      if (!stop) {
        const controller = new AbortController();
        for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
          process.on(name, () => controller.abort(new Error(`stopped by ${name}`)));
        }
        stop = controller;
      }
      return stop.signal;
    },
  };
}

/**
 * Writes all of a text before returning: `process.stdout` costs five milliseconds of start-up. A pipe may take a part or,
 * when it is non-blocking and full, nothing for a while; a reader that has gone wants nothing more, and the answer is false.
 */
function writeWhole(fd: number, text: string): boolean {
  // Most texts go out whole, and then nobody pays the half millisecond that Buffer costs.
  const written = attempt(() => writeSync(fd, text));
  if (written === 'gone') return false;
  if (written === text.length && isAscii(text)) return true;
  const bytes = Buffer.from(text);
  for (let at = written; at < bytes.length; ) {
    const more = attempt(() => writeSync(fd, bytes, at));
    if (more === 'gone') return false;
    if (more === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
    at += more;
  }
  return true;
}

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** Bytes that were taken, 0 by a pipe that is full; `gone` when its reader is. */
function attempt(write: () => number): number | 'gone' {
  try {
    return write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EPIPE') return 'gone';
    if (code !== 'EAGAIN') throw error;
    return 0;
  }
}

/** The module that knows terminals costs three milliseconds: a pipe, a file and the null device need not be asked that way. */
function isTerminalAt(stream: 1 | 2): boolean {
  try {
    const stat = fstatSync(stream);
    if (!stat.isCharacterDevice()) return false;
    if (process.platform !== 'win32' && stat.rdev === statSync('/dev/null').rdev) return false;
    return process.getBuiltinModule('node:tty').isatty(stream);
  } catch {
    return false; // closed
  }
}
