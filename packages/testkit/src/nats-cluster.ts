import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type RunningNatsServer, startNatsServer } from './nats-server.ts';
import { tempDir } from './temp-dir.ts';

export interface RunningNatsCluster extends AsyncDisposable {
  readonly servers: readonly RunningNatsServer[];
  /** All addresses, with commas. */
  readonly url: string;
  /** Throws away what a server that was stopped has on disk. */
  wipe(index: number): Promise<void>;
}

/** Starts three servers on loopback that know each other. They choose their leaders in the seconds after it. */
export async function startNatsCluster({ path }: { path: string }): Promise<RunningNatsCluster> {
  await using started = new AsyncDisposableStack();
  const home = started.use(await tempDir());
  const ports = await freePorts(3);
  const storeDir = (index: number): string => join(home.path, `store-${index}`);
  const routes = ports.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
  const servers = await Promise.all(
    ports.map(async (port, index) =>
      started.use(
        await startNatsServer({
          path,
          storeDir: storeDir(index),
          lines: [
            `server_name: server-${index}`,
            `cluster { name: house, listen: "127.0.0.1:${port}", routes: [ ${routes} ] }`,
          ],
        }),
      ),
    ),
  );
  const all = started.move();
  return {
    servers,
    url: servers.map(({ url }) => url).join(','),
    wipe: (index) => rm(storeDir(index), { recursive: true, force: true }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
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
