import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';

/** The program under test: one variable, for every black-box suite. */
export const program: readonly string[] = JSON.parse(process.env.KANADE_PROGRAM ?? '[]') as string[];

export interface CallOptions {
  readonly env?: Record<string, string | undefined>;
  readonly cwd?: string;
  /** Text on stdin, which is then closed; `open` hands down a pipe that nobody closes; default: no input. */
  readonly input?: string | 'open';
  /** Start this file instead of the program, such as a link to it. */
  readonly words?: readonly string[];
}

export interface CallResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the program; its output is collected from the first byte. */
export function start(args: readonly string[], { env, cwd, input, words = program }: CallOptions = {}) {
  const [file = '', ...before] = words;
  const child: ChildProcess = spawn(file, [...before, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text.stderr += chunk;
  });
  if (input !== undefined && input !== 'open') child.stdin?.end(input);
  const ended = once(child, 'close').then(([status]): CallResult => ({ status: status as number | null, ...text }));
  return { child, text, ended };
}

/** Runs one call to its end. */
export const call = (args: readonly string[], options?: CallOptions): Promise<CallResult> => start(args, options).ended;

export type Json = Record<string, unknown> & { error?: { code: string; message: string; details?: unknown } };

/** Runs one call that must print exactly one line of JSON. */
export async function answer(
  args: readonly string[],
  options?: CallOptions,
): Promise<Json & { status: number | null }> {
  const { status, stdout, stderr } = await call(args, options);
  if (!/^\{[^\n]*\}\n$/.test(stdout))
    throw new Error(`not one line of JSON: ${JSON.stringify({ args, status, stdout, stderr })}`);
  return { ...(JSON.parse(stdout) as Json), status };
}

/** A jobs root in a directory of its own, and calls on it. What still runs in it is killed at the end. */
export async function jobsRoot() {
  const dir = await tempDir();
  const root = `${dir.path}/jobs`;
  const env = { AGENT_EXEC_ROOT: root, HOME: dir.path };
  const options = (more: CallOptions = {}): CallOptions => ({ cwd: dir.path, ...more, env: { ...env, ...more.env } });
  return {
    path: dir.path,
    root,
    call: (args: readonly string[], more?: CallOptions) => call(args, options(more)),
    answer: (args: readonly string[], more?: CallOptions) => answer(args, options(more)),
    async [Symbol.asyncDispose]() {
      const kill = (id: string) => call(['kill', '--signal', 'KILL', id], options());
      await Promise.all(runningIn(root).map(kill));
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Ids of the jobs of a root that run as far as their files say: a call of `list` for every test would be its slowest step. */
function runningIn(root: string): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root).filter((id) => {
    const state = `${root}/${id}/state.json`;
    return existsSync(state) && /"status":\s*"running"/.test(readFileSync(state, 'utf8'));
  });
}
