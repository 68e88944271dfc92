/** Five machines, each an agent of its own with a link of its own to one broker; and what may happen to any of them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs';
import { openTestLink, type RunningNatsServer, startNatsServer, type TestLink } from '@kanade/testkit';
import { program } from '../../program.ts';

export interface Machine extends AsyncDisposable {
  readonly pcId: string;
  readonly link: TestLink;
  /** Starts its agent, unless it runs. */
  start(): void;
  /** Ends its agent without a word; resolves when it is gone. Jobs go on. */
  crash(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** What its agents have logged. */
  log(): string;
}

export async function openMachine(dir: string, { pcId, brokerPort }: { pcId: string; brokerPort: number }) {
  const link = await openTestLink(brokerPort);
  const home = `${dir}/${pcId}`;
  mkdirSync(home);
  const log = openSync(`${home}/log`, 'a');
  let child: ChildProcess | undefined;
  const isRunning = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null;
  const machine: Machine = {
    pcId,
    link,
    start() {
      if (isRunning()) return;
      const [file = '', ...words] = [
        ...program,
        'agent',
        ...['--id', pcId, '--data-dir', `${home}/data`, '--socket', `${home}/s`, '--allow-own-user'],
        ...['--log-level', 'warn', '--server', `nats://127.0.0.1:${link.port}`],
      ];
      child = spawn(file, words, { cwd: home, stdio: ['ignore', 'ignore', log] });
    },
    async crash() {
      if (!child || !isRunning()) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    log: () => readFileSync(`${home}/log`, 'utf8'),
    async [Symbol.asyncDispose]() {
      await machine.crash();
      await link[Symbol.asyncDispose]();
    },
  };
  return machine;
}

export interface ForgetfulBroker extends RunningNatsServer {
  /** Remembers what stands on disk now, as if it had been synced. The server stands still meanwhile. */
  sync(): void;
  /** A crash that takes everything written since the last `sync` with it. */
  loseUnsynced(): Promise<void>;
}

/** A broker whose disk can forget. */
export async function startForgetfulBroker(dir: string, path: string): Promise<ForgetfulBroker> {
  const [storeDir, synced] = [`${dir}/store`, `${dir}/synced`];
  const server = await startNatsServer({ path, storeDir });
  return {
    ...server,
    sync() {
      server.freeze();
      rmSync(synced, { recursive: true, force: true });
      cpSync(storeDir, synced, { recursive: true });
      server.thaw();
    },
    async loseUnsynced() {
      await server.stop('SIGKILL');
      rmSync(storeDir, { recursive: true });
      cpSync(synced, storeDir, { recursive: true });
      await server.restart();
    },
  };
}
