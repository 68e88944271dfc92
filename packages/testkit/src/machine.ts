/**
 * A Linux machine for tests, with a real systemd: the files of this one below, its own writes on top, its own processes, network, name and
 * control groups. Needs root and Debian's systemd. Everything goes with the test, however that ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';

interface MachineOptions {
  /** Host name. */
  readonly name: string;
  /** Where its writes go: into memory, which is quick, or onto the disk, as on a real machine. Default memory. */
  readonly writes?: 'memory' | 'disk';
  /** Absolute paths that it does not have, whatever stands there on this machine. */
  readonly without?: readonly string[];
}

interface MachineAnswer {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestMachine extends AsyncDisposable {
  /** Words before those of a program that shall run on it, as root. */
  readonly within: readonly string[];
  /** A path of the machine, as this process reaches it. */
  path(path: string): string;
  /** Runs a program to its end, with an environment of its own. */
  run(...words: string[]): Promise<MachineAnswer>;
  /** The same for what has to succeed; resolves with what it printed, without the last line break. */
  ok(...words: string[]): Promise<string>;
  /** Starts a program that stays; it ends with the machine. */
  start(...words: string[]): ChildProcess;
  /** Command lines of what runs on it, without systemd itself and what is on its way to its end. */
  processes(): readonly string[];
  /** What systemd said. */
  log(): string;
}

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Resolves when it is up. Throws with what systemd said when it does not come up. */
export async function openMachine({ name, writes = 'memory', without = [] }: MachineOptions): Promise<TestMachine> {
  if (process.getuid?.() !== 0) throw new Error('a machine of its own has namespaces and mounts: run this as root');
  const dir = await mkdtemp(join(tmpdir(), 'kanade-machine-'));
  const group = join(ownGroup(), `kanade-machine-${dir.slice(-6)}`);
  const words = [script('machine-holder.sh'), dir, name, writes, group, script('machine.sh'), ...without];
  const holder = spawn('sh', words, { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const ended = once(holder, 'exit');
  const log = (): string => (existsSync(`${dir}.log`) ? readFileSync(`${dir}.log`, 'utf8') : '');
  const close = async (): Promise<void> => {
    holder.stdin?.end();
    await ended;
  };
  try {
    const [line] = (await once(holder.stdout as NonNullable<typeof holder.stdout>, 'data')) as [Buffer];
    const outside = line.toString().trim();
    const pid = await eventually('systemd is the first process of the machine', () => {
      if (!existsSync(`/proc/${outside}`)) throw new Error(`no machine: ${log()}`);
      const first = readFileSync(`/proc/${outside}/task/${outside}/children`, 'utf8').trim();
      return first !== '' && readFileSync(`/proc/${first}/comm`, 'utf8') === 'systemd\n' && first;
    });
    const machine = machineOf(pid, { log, close });
    await eventually(
      'the machine is up',
      async () => (await machine.run('systemctl', 'is-system-running')).status === 0,
    );
    return machine;
  } catch (error) {
    const said = log();
    await close();
    throw new Error(`start a machine: ${said}`, { cause: error });
  }
}

function machineOf(pid: string, { log, close }: { log: () => string; close: () => Promise<void> }): TestMachine {
  const inside = 'env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const within = ['nsenter', '--target', pid, '--all', '--', ...inside.split(' ')];
  const begin = (words: readonly string[]): ChildProcess =>
    spawn(within[0] as string, [...within.slice(1), ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const run: TestMachine['run'] = async (...words) => {
    const child = begin(words);
    const text = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (chunk: string) => {
        text[name] += chunk;
      });
    }
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, ...text };
  };
  return {
    within,
    log,
    run,
    path: (path) => `/proc/${pid}/root${path}`,
    async ok(...words) {
      const { status, stdout, stderr } = await run(...words);
      if (status !== 0) throw new Error(`${words.join(' ')}: exit ${status}: ${stderr}${stdout}`);
      return stdout.trimEnd();
    },
    start(...words) {
      const child = begin(words);
      child.stdout?.resume();
      child.stderr?.resume();
      return child;
    },
    processes: () => commandLines(pid),
    [Symbol.asyncDispose]: close,
  };
}

/** What runs in the pid namespace of a process. */
function commandLines(first: string): string[] {
  const namespace = statOf(`/proc/${first}/ns/pid`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== first)
    .map((name) => {
      try {
        if (statOf(`/proc/${name}/ns/pid`) !== namespace) return '';
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      } catch {
        return ''; // gone meanwhile
      }
    })
    .filter((line) => line !== '');
}

const statOf = (path: string): number => statSync(path).ino;

/** Our own control group of version 2, below which others can be made. */
function ownGroup(): string {
  const mount = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) => existsSync(`${path}/cgroup.procs`));
  const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  if (mount === undefined || own === undefined)
    throw new Error('a machine of its own needs control groups of version 2');
  return own === '/' ? mount : `${mount}${own}`;
}
