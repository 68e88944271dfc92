import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, tempDir } from '@kanade/testkit';
import { inject, onTestFinished } from 'vitest';

/** The words that start the agent: a JSON list in `KANADE_AGENT_PROGRAM`, otherwise what the sources make on this Node. */
export function program(): string[] {
  const given = process.env.KANADE_AGENT_PROGRAM;
  if (given !== undefined && given !== '') return JSON.parse(given) as string[];
  return [process.execPath, inject('agentProgram')];
}

export interface AgentReady {
  readonly type: 'agent.ready';
  readonly pc_id: string;
  readonly socket: string;
  readonly broker: readonly string[] | null;
  readonly version: string;
}

/** A place for one agent: its data, its socket, its job files. Everything is gone after the test. */
export interface Site {
  readonly path: string;
  readonly data: string;
  readonly socket: string;
  readonly jobs: string;
  putJob(name: string, text: string): void;
  /** Starts the agent of this place; rejects with its words when it ends instead. */
  start(options?: StartOptions): Promise<RunningAgent>;
  /** Runs the agent to its end. */
  run(args: readonly string[], env?: Record<string, string>): Promise<Ended>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Words before those of the agent; they have to end by becoming it. */
  readonly within?: readonly string[];
  /** It serves the people of the machine, in the place of us. */
  readonly forPeople?: boolean;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningAgent {
  readonly ready: AgentReady;
  readonly pid: number;
  /** Everything it has logged so far. */
  log(): string;
  /** Ends it and resolves with what it said. */
  end(signal?: NodeJS.Signals): Promise<Ended>;
}

export async function openSite(): Promise<Site> {
  const dir = await tempDir();
  const children = new Set<ChildProcess>();
  onTestFinished(async () => {
    for (const child of children) await endOf(child, 'SIGKILL');
    await dir[Symbol.asyncDispose]();
  });
  const site = {
    path: dir.path,
    data: join(dir.path, 'data'),
    socket: join(dir.path, 's'),
    jobs: join(dir.path, 'jobs'),
  };
  mkdirSync(site.jobs);
  let launches = 0;

  function launch(args: readonly string[], env: Record<string, string>, within: readonly string[] = []) {
    const [file = '', ...words] = [...within, ...program(), ...args];
    const out = join(dir.path, `out-${++launches}`);
    const log = join(dir.path, `log-${launches}`);
    // Files, not pipes: what it has said before it did something stands there when somebody sees what it did.
    const [outFile, logFile] = [openSync(out, 'a'), openSync(log, 'a')];
    const child = spawn(file, words, { env: { ...process.env, ...env }, stdio: ['ignore', outFile, logFile] });
    for (const fd of [outFile, logFile]) closeSync(fd);
    children.add(child);
    const closed = once(child, 'close').then(([code]) => code as number | null);
    return { child, closed, out, log };
  }

  return {
    ...site,
    putJob: (name, text) => writeFileSync(join(site.jobs, name), text),
    async start({ args = [], env = {}, within = [], forPeople = false } = {}) {
      const common = [
        '--id',
        'pc-1',
        '--data-dir',
        site.data,
        '--socket',
        site.socket,
        '--jobs',
        site.jobs,
        ...(forPeople ? [] : ['--allow-own-user']),
      ];
      const { child, closed, out, log } = launch([...common, ...args], env, within);
      const ready = await eventually('the agent to be ready', () => {
        if (child.exitCode !== null) return { ended: child.exitCode };
        return JSON.parse(readFileSync(out, 'utf8')) as AgentReady;
      });
      if ('ended' in ready) throw new Error(`the agent ended: ${readFileSync(log, 'utf8')}`);
      return {
        ready,
        pid: child.pid ?? 0,
        log: () => readFileSync(log, 'utf8'),
        async end(signal = 'SIGTERM') {
          child.kill(signal);
          return { code: await closed, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(log, 'utf8') };
        },
      };
    },
    async run(args, env = {}) {
      const { closed, out, log } = launch(args, env);
      return { code: await closed, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(log, 'utf8') };
    },
  };
}

async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** A job with a `client` block. */
export function jobYaml({ id, script, timeout = '60s', shell = 'sh', name = id }: JobText): string {
  const lines = script.split('\n').map((line) => `    ${line}`);
  return [
    `id: ${id}`,
    'version: "1"',
    'execute:',
    `  shell: ${shell}`,
    `  timeout: ${timeout}`,
    '  script: |',
    ...lines,
    'client:',
    `  name: ${name}`,
    '  category: tests',
    '',
  ].join('\n');
}

export interface JobText {
  readonly id: string;
  readonly script: string;
  readonly timeout?: string;
  readonly shell?: string;
  readonly name?: string;
}
