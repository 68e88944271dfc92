import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type LinkState, openTestLink, type TestLink } from './link.ts';
import { type RunningNatsServer, startNatsServer } from './nats-server.ts';
import { tempDir } from './temp-dir.ts';

export interface RunningNatsCluster extends AsyncDisposable {
  readonly servers: readonly RunningNatsServer[];
  /** All addresses, with commas. */
  readonly url: string;
  /** Throws away what a server that was stopped has on disk. */
  wipe(index: number): Promise<void>;
  /** Takes a server's ways to the others, not those of its clients; only with `breakable`. */
  cutOff(index: number): void;
  /** Gives them back. The servers find each other within seconds. */
  letIn(index: number): void;
}

export interface NatsClusterOptions {
  readonly path: string;
  /** The servers reach each other through links, which can be cut. Default false. */
  readonly breakable?: boolean;
}

/** Starts three servers on loopback that know each other. They choose their leaders in the seconds after it. */
export async function startNatsCluster({ path, breakable = false }: NatsClusterOptions): Promise<RunningNatsCluster> {
  await using started = new AsyncDisposableStack();
  const home = started.use(await tempDir());
  const ports = await freePorts(3);
  const storeDir = (index: number): string => join(home.path, `store-${index}`);
  const ways = breakable ? await openWays(ports, started) : [];
  const portFrom = (from: number, to: number): number | undefined =>
    ways.find((way) => way.from === from && way.to === to)?.link.port ?? ports[to];
  const servers = await Promise.all(
    ports.map(async (port, index) => {
      const routes = ports.flatMap((_, to) => (to === index ? [] : `nats-route://127.0.0.1:${portFrom(index, to)}`));
      // Servers tell each other where they are: nobody answers there, so that they keep to the links.
      const advertise = breakable ? `, advertise: "127.0.0.1:1"` : '';
      return started.use(
        await startNatsServer({
          path,
          storeDir: storeDir(index),
          lines: [
            `server_name: server-${index}`,
            `cluster { name: house, listen: "127.0.0.1:${port}", routes: [ ${routes.join(', ')} ]${advertise} }`,
          ],
        }),
      );
    }),
  );
  const all = started.move();
  const setWays = (index: number, state: LinkState): void => {
    for (const { from, to, link } of ways) if (from === index || to === index) link.set(state);
  };
  return {
    servers,
    url: servers.map(({ url }) => url).join(','),
    wipe: (index) => rm(storeDir(index), { recursive: true, force: true }),
    cutOff: (index) => setWays(index, 'down'),
    letIn: (index) => setWays(index, 'open'),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The way of one server to another. */
interface Way {
  readonly from: number;
  readonly to: number;
  readonly link: TestLink;
}

async function openWays(ports: readonly number[], parts: AsyncDisposableStack): Promise<Way[]> {
  const pairs = ports.flatMap((_, from) => ports.flatMap((port, to) => (from === to ? [] : [{ from, to, port }])));
  return Promise.all(
    pairs.map(async ({ from, to, port }) => ({ from, to, link: parts.use(await openTestLink(port)) })),
  );
}

/** Ports that nobody listens on, all held at once so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer().listen(0, '127.0.0.1');
      await once(probe, 'listening');
      return probe;
    }),
  );
  const ports = probes.map((probe) => (probe.address() as AddressInfo).port);
  await Promise.all(probes.map((probe) => once(probe.close(), 'close')));
  return ports;
}
