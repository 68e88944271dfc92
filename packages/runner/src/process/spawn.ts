/**
 * The only place that creates a workload's processes, below a shim.
 *
 * The shim is a tiny shell that leads a job's session, outlives the signals meant for the workload, and writes the
 * ending. It makes endings independent of us: whoever comes later reads the record.
 *
 * The record is the shim's stderr, a file opened for appending before the launch. Bytes:
 *
 *     \n                  written by the launcher, so that the file has its first block before anything runs
 *     pid 4711\n          written first by the shim, before the workload exists
 *     Terminated\n        only when a signal ended the workload: the shell's own report
 *     143\n               the exit status as the shell sees it; written last, then the shim exits
 *
 * So `exit 143` and death by SIGTERM stay distinguishable. A shell that reports nothing for a signal (INT and PIPE on
 * every shell; TERM when sh is bash) leaves the bare status; then a stop that we asked for decides.
 */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, resolve } from 'node:path';
import { outsideOfJobs } from './control-group/control-group.ts';
import { identityOfChild, type ProcessIdentity } from './identity.ts';
import { treeVariable } from './tree.ts';

/** dash reports every fatal signal but INT and PIPE and is the smallest; `sh` is what every POSIX system has. */
export function shimShell(exists: (path: string) => boolean = existsSync): string {
  return exists('/bin/dash') ? '/bin/dash' : '/bin/sh';
}

/**
 * Arguments: the workload's words. File descriptors: 0 stdin, 1 stdout log, 2 the record, 3 stderr log; the workload gets
 * 0, 1 and 3 as its 0, 1, 2.
 */
export const shimScript = [
  'trap : HUP INT QUIT USR1 USR2 PIPE ALRM TERM',
  'echo "pid $$" >&2',
  '(exec "$@" 2>&3 3>&-)',
  'echo "$?" >&2',
].join('\n');

/** What a launcher writes into a record: a disk that is too full for it is too full for the ending. */
export const recordRoom = '\n';

/** What the record says: nothing yet, or how the workload ended. */
export type ShimRecord =
  | { readonly kind: 'empty' }
  | { readonly kind: 'started'; readonly pid: number }
  | {
      readonly kind: 'ended';
      readonly pid: number;
      readonly status: number;
      readonly reported: boolean;
    };

/** Reads a record; a half-written one reads as what is certain. Anything else than the format reads as empty. */
export function parseShimRecord(text: string): ShimRecord {
  const lines = (text.startsWith(recordRoom) ? text.slice(recordRoom.length) : text).split('\n');
  const first = lines[0] ?? '';
  const pid = first.startsWith('pid ') ? digitsOf(first.slice(4)) : undefined;
  if (pid === undefined || lines.length < 2) return { kind: 'empty' };
  const last = lines[lines.length - 2] ?? '';
  const status = text.endsWith('\n') && lines.length > 2 && last.length <= 3 ? digitsOf(last) : undefined;
  return status === undefined ? { kind: 'started', pid } : { kind: 'ended', pid, status, reported: lines.length > 3 };
}

/** A number of digits alone. Without an expression, which every ending would wait for. */
function digitsOf(text: string): number | undefined {
  for (let at = 0; at < text.length; at++) if (!'0123456789'.includes(text.charAt(at))) return undefined;
  return text === '' ? undefined : Number(text);
}

/** What to start. File descriptors are passed on as they are; they stay open in the caller, who closes them. */
export interface SpawnSpec {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Descriptor of the input, or null for `/dev/null`. */
  readonly stdinFd: number | null;
  readonly stdoutFd: number;
  readonly stderrFd: number;
  /** Descriptor of the shim's record, opened for appending. */
  readonly recordFd: number;
}

/** A started shim. `ended` resolves when the shim has exited; it keeps the caller's event loop alive until `release`. */
export interface Spawned {
  readonly pid: number;
  /** Undefined where the system does not tell. */
  readonly identity: ProcessIdentity | undefined;
  readonly ended: Promise<void>;
  /** Lets the caller exit before the job does. */
  release(): void;
}

/** A command to be told something, and how long it may take in ms. */
export interface SinkSpec {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: string;
  readonly timeoutMs: number;
}

/** Runs a command with a text as its input and nobody listening to its output; resolves with what went wrong, if anything. */
export function runSink({ argv, cwd, env, input, timeoutMs }: SinkSpec): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = nodeSpawn()(argv[0] ?? '', argv.slice(1), {
      cwd,
      env,
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    child.once('error', (error) => resolve(`spawn error: ${error.message}`));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(undefined);
      else
        resolve(
          signal
            ? `exited with status signal ${signal}${signal === 'SIGKILL' ? ` (limit ${timeoutMs} ms)` : ''}`
            : `exited with status ${code}`,
        );
    });
    child.stdin.once('error', () => undefined); // a command that does not read its input is fine
    child.stdin.end(input);
  });
}

/**
 * Runs a program of the system and returns what it printed; undefined when it is not there, fails, or takes longer than `timeoutMs`,
 * for which everything waits.
 */
export function askSystem(word: string, args: readonly string[], timeoutMs: number): string | undefined {
  const program = findProgram(word, undefined);
  if (program === undefined) return undefined;
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const env = { PATH: defaultPath, LANG: 'C' };
  const { status, stdout } = spawnSync(program, [...args], {
    env,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'ignore'],
    encoding: 'utf8',
  });
  return status === 0 ? stdout : undefined;
}

/** What came of a program: its exit code, undefined when it was ended, and what it printed, 64 KiB of each stream at most. */
export interface ProgramAnswer {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of the system without waiting for it here; it is killed after `timeoutMs` and when the signal fires. Never rejects. */
export function askProgram(
  [file = '', ...args]: readonly string[],
  { env, ...limit }: { env: Readonly<Record<string, string>>; timeoutMs: number; signal: AbortSignal },
): Promise<ProgramAnswer> {
  const { execFile } = process.getBuiltinModule('node:child_process');
  const { timeoutMs: timeout, signal } = limit;
  const options = { cwd: '/', env, timeout, signal, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 } as const;
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      resolve({ code: typeof code === 'number' ? code : undefined, stdout, stderr });
    });
  });
}

/** Starts a program of ours in a session of its own, with no input and output, and lets go of it. Returns who that is, where the system tells. */
export function spawnProgram(argv: readonly string[]): ProcessIdentity | undefined {
  const bun = (globalThis as { Bun?: BunLike }).Bun;
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  // It may be started from within a job, and is none of that job's processes: a tree of its own, by a mark that no job has.
  const env = { ...process.env, [treeVariable]: '.' };
  if (bun) {
    const child = outsideOfJobs(() => bun.spawn([...argv], { cwd: '/', env, stdio, detached: true }));
    child.unref();
    return identityOfChild(child.pid);
  }
  const options = { cwd: '/', env, stdio: [...stdio], detached: true };
  const child = outsideOfJobs(() => nodeSpawn()(argv[0] ?? '', argv.slice(1), options));
  child.once('error', () => undefined); // the caller finds out by what the program does not do
  child.unref();
  return child.pid === undefined ? undefined : identityOfChild(child.pid);
}

/** Loaded on demand: on Bun nobody needs it, and it costs a millisecond of start-up. */
const nodeSpawn = () => process.getBuiltinModule('node:child_process').spawn;

interface BunLike {
  spawn(argv: string[], options: Record<string, unknown>): { pid: number; exited: Promise<number>; unref(): void };
}

/**
 * Starts the shim in a session of its own with the workload below it. Throws what the system says when that cannot be
 * done (no such directory, no more processes).
 */
export function spawnTree(spec: SpawnSpec): Spawned {
  if (process.platform === 'win32') throw new Error('jobs cannot be started on Windows yet');
  const argv = [shimShell(), '-c', shimScript, 'kanade-shim', ...spec.argv];
  const stdio = [spec.stdinFd ?? 'ignore', spec.stdoutFd, spec.recordFd, spec.stderrFd] as const;
  // Bun's own spawn costs 0.3 ms where node:child_process costs 4.8 there; on Node there is only the latter.
  const bun = (globalThis as { Bun?: BunLike }).Bun;
  if (bun) {
    const child = outsideOfJobs(() => bun.spawn(argv, { cwd: spec.cwd, env: spec.env, stdio, detached: true }));
    const ended = child.exited.then(() => undefined);
    return { pid: child.pid, identity: identityOfChild(child.pid), ended, release: () => child.unref() };
  }
  const options = { cwd: spec.cwd, env: spec.env, stdio: [...stdio], detached: true };
  const child = outsideOfJobs(() => nodeSpawn()(argv[0] ?? '', argv.slice(1), options));
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve());
    child.once('error', reject);
  });
  if (child.pid === undefined) {
    ended.catch(() => undefined); // reported by the throw below
    throw new Error(`could not start ${argv[0]} in ${spec.cwd}`);
  }
  return { pid: child.pid, identity: identityOfChild(child.pid), ended, release: () => child.unref() };
}

/** Where programs are looked for when the environment names no PATH. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * The executable file that a word names: a path, or a name looked up in PATH; undefined when there is none. Relative
 * entries of PATH are left out, and relative paths are resolved against `cwd`.
 */
export function findProgram(word: string, path: string | undefined, cwd = '/'): string | undefined {
  const places = word.includes('/')
    ? [resolve(cwd, word)]
    : (path || defaultPath)
        .split(delimiter)
        .filter((dir) => isAbsolute(dir))
        .map((dir) => `${dir}/${word}`);
  return places.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not for us: the next directory may have it
  }
}

/**
 * The words that start this program again: the compiled executable is its own runtime, a script needs its runtime and
 * that runtime's options. Nothing else re-executes us.
 */
export function selfCommand(): string[] {
  const script = process.argv[1] ?? '';
  const compiled = script.startsWith('/$bunfs/') || script.startsWith('B:/~BUN/') || script.startsWith('B:\\~BUN\\');
  return compiled ? [process.execPath] : [process.execPath, ...process.execArgv, script];
}
