/** The only place that creates a workload's processes. */
import { shimScript, shimShell } from './shim.ts';
import { treeVariable } from './tree.ts';

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

/** Starts a program of ours in a session of its own, with no input and output, and lets go of it. */
export function spawnProgram(argv: readonly string[]): void {
  const bun = (globalThis as { Bun?: BunLike }).Bun;
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  // It may be started from within a job, and is none of that job's processes.
  const env = { ...process.env, [treeVariable]: undefined };
  if (bun) {
    bun.spawn([...argv], { cwd: '/', env, stdio, detached: true }).unref();
    return;
  }
  const child = nodeSpawn()(argv[0] ?? '', argv.slice(1), { cwd: '/', env, stdio: [...stdio], detached: true });
  child.once('error', () => undefined); // the caller finds out by what the program does not do
  child.unref();
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
    const child = bun.spawn(argv, { cwd: spec.cwd, env: spec.env, stdio, detached: true });
    return { pid: child.pid, ended: child.exited.then(() => undefined), release: () => child.unref() };
  }
  const child = nodeSpawn()(argv[0] ?? '', argv.slice(1), {
    cwd: spec.cwd,
    env: spec.env,
    stdio: [...stdio],
    detached: true,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve());
    child.once('error', reject);
  });
  if (child.pid === undefined) {
    ended.catch(() => undefined); // reported by the throw below
    throw new Error(`could not start ${argv[0]} in ${spec.cwd}`);
  }
  return { pid: child.pid, ended, release: () => child.unref() };
}
