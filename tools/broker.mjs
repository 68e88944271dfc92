/** A JetStream server for `npm start -- --fleet`: loopback only, its store in the ignored cache of the checkout. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { say } from './toolchain.mjs';

const defaultPort = 4222;

/** Starts it through `start` (see start.mjs). Returns `{ url, description, isDefault }`, or `{ message }` when none can be had. */
export async function startBroker({ dataDir, start }) {
  const { findNatsServer } = await import('./nats-server.mjs');
  const server = await findNatsServer({ install: true, progress: say });
  if (server.problem) return { message: server.problem };
  const port = (await isFree(defaultPort)) ? defaultPort : await freePort();
  const storeDir = join(dataDir, 'nats');
  mkdirSync(storeDir, { recursive: true });
  const config = join(dataDir, 'nats.conf');
  writeFileSync(
    config,
    `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: ${JSON.stringify(storeDir)} }\nlog_file: ${JSON.stringify(join(dataDir, 'nats.log'))}\n`,
  );
  start('nats-server', server.path, ['-c', config], () => false); // no line of it says more than its port does
  await reachable(port);
  return {
    url: `nats://127.0.0.1:${port}`,
    description: `nats-server ${server.version}, ${server.origin}`,
    isDefault: port === defaultPort,
  };
}

const isFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

const freePort = () =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });

/** Resolves when something accepts connections; the caller ends us when the server dies first. */
async function reachable(port) {
  for (;;) {
    const open = await new Promise((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.end());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
