/** Machines, each an agent of its own with links of its own to the brokers, and what may happen to any of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, openSync, readFileSync } from 'node:fs';
import { type LinkState, openTestLink, type TestLink } from '@kanade/testkit';
import { program } from '../../program.ts';
import type { Fault } from './brokers.ts';

export interface Machine extends AsyncDisposable {
  readonly pcId: string;
  readonly faults: readonly Fault[];
  /** Starts its agent, unless it runs. */
  start(): void;
  /** What its agents have logged. */
  log(): string;
}

export async function openMachine(dir: string, { pcId, ports }: { pcId: string; ports: readonly number[] }) {
  const links = await Promise.all(ports.map(openTestLink));
  const home = `${dir}/${pcId}`;
  mkdirSync(home);
  const log = openSync(`${home}/log`, 'a');
  let child: ChildProcess | undefined;
  const isRunning = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  function start(): void {
    if (isRunning()) return;
    const [file = '', ...words] = [
      ...program,
      'agent',
      ...['--id', pcId, '--data-dir', `${home}/data`, '--socket', `${home}/s`, '--allow-own-user'],
      ...['--log-level', 'warn', ...links.flatMap(({ port }) => ['--server', `nats://127.0.0.1:${port}`])],
    ];
    child = spawn(file, words, { cwd: home, stdio: ['ignore', 'ignore', log] });
  }

  /** Ends its agent without a word; resolves when it is gone. Jobs go on. */
  async function crash(): Promise<void> {
    if (!child || !isRunning()) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  const agent = { victim: `agent ${pcId}`, weight: 3 };
  const frozen = { strike: () => void child?.kill('SIGSTOP'), mend: () => void child?.kill('SIGCONT') };
  const machine: Machine = {
    pcId,
    faults: [
      { ...agent, name: 'agent killed', strike: crash, mend: start },
      { ...agent, name: 'agent frozen', ...frozen },
      ...faultsOf(links, `link ${pcId}`),
    ],
    start,
    log: () => readFileSync(`${home}/log`, 'utf8'),
    async [Symbol.asyncDispose]() {
      await crash();
      for (const link of links) await link[Symbol.asyncDispose]();
    },
  };
  return machine;
}

/** Whatever befalls the way of a machine to its brokers befalls the ways to all of them. */
function faultsOf(links: readonly TestLink[], victim: string): Fault[] {
  const set = (state: LinkState) => (): void => {
    for (const link of links) link.set(state);
  };
  const cut = (how: 'close' | 'reset') => (): void => {
    for (const link of links) link.cut(how);
  };
  const wire = { victim, mend: set('open') };
  return [
    { ...wire, name: 'link reset', weight: 1, strike: cut('reset') },
    { ...wire, name: 'link closed', weight: 1, strike: cut('close') },
    { ...wire, name: 'link stalled', weight: 2, strike: set('stalled') },
    { ...wire, name: 'link deaf', weight: 2, strike: set('deaf') },
    { ...wire, name: 'link down', weight: 1, strike: set('down') },
  ];
}
