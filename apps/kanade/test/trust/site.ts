/** A place for one agent and one jobs root, and what a test may do to the processes in it. All of it goes with the test. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { eventually, patienceMs, tempDir } from '@kanade/testkit';
import { answer, type CallOptions, call, program, start } from '../program.ts';

/** Throws where the test cannot play other users or mount file systems: it fails then, it is not skipped. */
export function needRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error('this suite plays other users, mounts file systems and makes namespaces: run it as root');
}

/** How often the rounds of a test are run: `KANADE_TRUST_ROUNDS=10` makes ten times as many. */
export const rounds = (few: number): number => Math.round(few * Number(process.env.KANADE_TRUST_ROUNDS ?? 1));

/** Waits for a condition without a pause between two looks, for moments that are over in a millisecond. */
export async function atOnce<T>(what: string, look: () => T): Promise<Exclude<T, undefined | null | false>> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const value = look();
    if (value !== undefined && value !== null && value !== false) return value as Exclude<T, undefined | null | false>;
    if (performance.now() > deadlineMs) throw new Error(`waited ${patienceMs} ms in vain for: ${what}`);
    await new Promise(setImmediate);
  }
}

export interface SiteOptions {
  /** Where data and jobs lie, when not in the directory of the site: a file system with a fault of its own. */
  readonly place?: string;
  /** Words before the program, such as those that enter a namespace. */
  readonly before?: readonly string[];
}

export async function openSite({ place, before = [] }: SiteOptions = {}) {
  if (place !== undefined || before.length > 0) needRoot();
  const dir = await tempDir();
  const at = place ?? dir.path;
  const site = {
    path: dir.path,
    root: `${at}/jobs`,
    data: `${at}/data`,
    socket: `${dir.path}/s`,
    manifests: `${dir.path}/m`,
  };
  mkdirSync(site.manifests);
  const env = { AGENT_EXEC_ROOT: site.root, HOME: dir.path };
  const options = (more: CallOptions): CallOptions => ({
    cwd: dir.path,
    words: [...before, ...program],
    ...more,
    env: { ...env, ...more.env },
  });

  function startAgent(args: readonly string[] = [], more: CallOptions = {}) {
    const own = ['--id', 'pc-1', '--data-dir', site.data, '--socket', site.socket, '--jobs', site.manifests];
    const agent = start(['agent', ...own, '--allow-own-user', '--log-level', 'warn', ...args], options(more));
    return {
      ...agent,
      /** Resolves when it serves; rejects with its words when it ends instead. */
      async ready() {
        const hasEnded = (): boolean => agent.child.exitCode !== null || agent.child.signalCode !== null;
        await eventually('the agent is ready', () => hasEnded() || agent.text.stdout.includes('agent.ready'));
        if (hasEnded()) throw new Error(`the agent ended: ${(await agent.ended).stderr}`);
      },
      async end(signal: NodeJS.Signals = 'SIGKILL') {
        agent.child.kill(signal);
        return agent.ended;
      },
    };
  }

  return {
    ...site,
    call: (args: readonly string[], more: CallOptions = {}) => call(args, options(more)),
    answer: (args: readonly string[], more: CallOptions = {}) => answer(args, options(more)),
    start: (args: readonly string[], more: CallOptions = {}) => start(args, options(more)),
    startAgent,
    /** Offers a job to the person at the machine. */
    offer: (id: string, script: string, timeout = '60s') =>
      writeFileSync(`${site.manifests}/${id}.yaml`, manifestOf({ id, script, timeout })),
    async [Symbol.asyncDispose]() {
      await killAllOf([dir.path, at]);
      await dir[Symbol.asyncDispose]();
    },
  };
}

export type Site = Awaited<ReturnType<typeof openSite>>;

export const manifestOf = ({ id, script, timeout = '60s' }: { id: string; script: string; timeout?: string }): string =>
  `id: ${id}\nversion: "1"\nexecute:\n  shell: sh\n  timeout: ${timeout}\n  script: ${JSON.stringify(script)}\nclient:\n  name: ${id}\n  category: tests\n`;

/** Pids of this machine. */
export const pids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** A file of a process, or nothing when it is gone. */
export function ofProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

export const isGone = (pid: number): boolean => !existsSync(`/proc/${pid}`) || /\) [ZX] /.test(ofProcess(pid, 'stat'));

/** Live processes that have to do with a place: by their words, their environment, their directory or their output. */
export function processesOf(path: string): number[] {
  const linked = (pid: number): string[] =>
    ['cwd', 'fd/1', 'fd/2', 'fd/3'].map((name) => linkOf(`/proc/${pid}/${name}`));
  return pids()
    .filter((pid) => pid !== process.pid && !isGone(pid))
    .filter(
      (pid) =>
        `${ofProcess(pid, 'cmdline')}\0${ofProcess(pid, 'environ')}`.includes(path) ||
        linked(pid).some((target) => target.startsWith(`${path}/`)),
    );
}

/** The same from one look, told apart: the program under test (agents, keepers, calls), and what prints into the place: shims and workloads. */
export function lookAt(path: string): { programs: number[]; workloads: number[] } {
  const all = processesOf(path);
  const isProgram = (pid: number): boolean => ofProcess(pid, 'cmdline').includes(program.at(-1) ?? '\0');
  const programs = new Set(all.filter(isProgram));
  const workloads = all.filter((pid) => !programs.has(pid) && linkOf(`/proc/${pid}/fd/1`).startsWith(`${path}/`));
  return { programs: [...programs], workloads };
}

export const programsOf = (path: string): number[] => lookAt(path).programs;

export const workloadsOf = (path: string): number[] => lookAt(path).workloads;

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

async function killAllOf(paths: readonly string[]): Promise<void> {
  await eventually('nothing of the test runs any more', () => {
    const left = [...new Set(paths.flatMap(processesOf))];
    for (const pid of left) kill(pid);
    return left.length === 0;
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
