/** Three servers of which one at a time is killed, frozen, cut off from the others, or comes back with an empty disk. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type RunningNatsCluster, startNatsCluster } from '@kanade/testkit';
import type { Brokers, Fault } from './brokers.ts';
import { openWire, type Wire } from './wire.ts';

/** Long enough for the others to choose a new leader, in ms; machines suffer less often meanwhile. */
const [longestMs, pauseMsMax] = [8_000, 1_200];

export async function startCluster(path: string, random: () => number): Promise<Brokers> {
  const cluster = await startNatsCluster({ path, breakable: true });
  const ports = cluster.servers.map(({ port }) => port);
  const wire = openWire(ports);
  return {
    ports,
    url: cluster.url,
    faults: faultsOf(cluster, wire, random),
    lostSpans: [],
    pauseMsMax,
    async [Symbol.asyncDispose]() {
      wire[Symbol.dispose]();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

function faultsOf(cluster: RunningNatsCluster, wire: Wire, random: () => number): Fault[] {
  let hit = 0;
  const victim = 'cluster';
  const server = () => cluster.servers[hit];
  /** One server is lost at a time: the next fault waits until all copies are whole, as an operator would. */
  const fault = (name: string, weight: number, on: { strike(): unknown; mend(): unknown }): Fault => ({
    victim,
    name: `server ${name}`,
    weight,
    longestMs,
    async strike() {
      hit = Math.floor(random() * cluster.servers.length);
      await on.strike();
    },
    async mend() {
      await on.mend();
      await untilWhole(wire);
    },
  });
  return [
    fault('killed', 4, { strike: () => server()?.stop('SIGKILL'), mend: () => server()?.restart() }),
    fault('frozen', 4, { strike: () => server()?.freeze(), mend: () => server()?.thaw() }),
    fault('cut off', 4, { strike: () => cluster.cutOff(hit), mend: () => cluster.letIn(hit) }),
    fault('back with an empty disk', 4, {
      async strike() {
        await server()?.stop('SIGKILL');
        await cluster.wipe(hit);
      },
      mend: () => server()?.restart(),
    }),
  ];
}

interface Info {
  readonly cluster?: { readonly leader?: string; readonly replicas?: readonly Copy[] };
}
interface Copy {
  readonly current: boolean;
  readonly offline?: boolean;
  readonly lag?: number;
}

/** Waits until every stream has a leader and three copies that are up to date. */
async function untilWhole(wire: Wire): Promise<void> {
  const { streams } = JSON.parse(await wire.insist('$JS.API.STREAM.NAMES', '')) as { streams: string[] };
  for (const stream of streams) {
    for (;;) {
      const { cluster } = JSON.parse(await wire.ask(`$JS.API.STREAM.INFO.${stream}`, '')) as Info;
      const copies = cluster?.replicas ?? [];
      if (cluster?.leader && copies.length === 2 && copies.every(isCurrent)) break;
      await sleep(50);
    }
  }
}

const isCurrent = ({ current, offline = false, lag = 0 }: Copy): boolean => current && !offline && lag === 0;
