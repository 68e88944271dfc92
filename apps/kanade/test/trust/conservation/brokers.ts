/** What the agents are connected to, and the faults it can have. */
import { cpSync, rmSync } from 'node:fs';
import { type RunningNatsServer, startNatsServer } from '@kanade/testkit';
import { startCluster } from './cluster.ts';

/** A span whose writes a broker has thrown away, by this process's clock. */
export interface LostSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Fault {
  readonly name: string;
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /** Whom it befalls; nobody suffers two at a time. */
  readonly victim: string;
  /** Does the damage; resolves when it is done. */
  strike(): void | Promise<void>;
  mend(): void | Promise<void>;
  /** The longest that it lasts, in ms, when that is more than others do. */
  readonly longestMs?: number;
}

export interface Brokers extends AsyncDisposable {
  readonly ports: readonly number[];
  readonly url: string;
  readonly faults: readonly Fault[];
  /** The longest pause between two faults, in ms, when it is longer than usual. */
  readonly pauseMsMax?: number;
  /** Grows with each crash that takes writes with it. */
  readonly lostSpans: readonly LostSpan[];
}

/**
 * `keeps`: one server, whose disk has all that was written when it is killed. `forgets`: one that loses what was not synced. `cluster`:
 * three servers.
 */
export type BrokerKind = 'keeps' | 'forgets' | 'cluster';

export async function startBrokers(
  kind: BrokerKind,
  { dir, path, random }: { dir: string; path: string; random: () => number },
): Promise<Brokers> {
  if (kind === 'cluster') return startCluster(path, random);
  const server = await startForgetfulBroker(dir, path);
  const lostSpans: LostSpan[] = [];
  const faults = kind === 'forgets' ? faultsOfForgetful(server, lostSpans) : faultsOf(server, 'broker');
  return {
    ports: [server.port],
    url: server.url,
    faults,
    lostSpans,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function faultsOf(server: RunningNatsServer, victim: string): Fault[] {
  return [
    {
      victim,
      name: 'broker killed',
      weight: 4,
      strike: () => server.stop('SIGKILL'),
      mend: () => server.restart(),
    },
    { victim, name: 'broker frozen', weight: 3, strike: server.freeze, mend: server.thaw },
  ];
}

function faultsOfForgetful(server: ForgetfulBroker, lostSpans: LostSpan[]): Fault[] {
  const victim = 'broker';
  let syncedMs = performance.now();
  server.sync();
  const synced: Fault = {
    victim,
    name: 'broker synced',
    weight: 12,
    strike() {
      server.sync();
      syncedMs = performance.now();
    },
    mend: () => undefined,
  };
  const forgetting: Fault = {
    victim,
    name: 'broker killed, unsynced writes gone',
    weight: 4,
    strike: () => server.stop('SIGKILL'),
    async mend() {
      await server.loseUnsynced();
      lostSpans.push({ fromMs: syncedMs, toMs: performance.now() });
    },
  };
  return [synced, forgetting, ...faultsOf(server, victim).filter(({ name }) => name === 'broker frozen')];
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
