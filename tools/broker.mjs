/** A JetStream server for `npm start -- --fleet`: loopback only, its store in the ignored cache of the checkout. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { say } from './toolchain.mjs';

const defaultPort = 4222;

/** Starts one server, or a cluster, through `start` (see start.mjs). Returns `{ url, description, isDefault }`, or `{ message }` when none can be had. */
export async function startBroker({ dataDir, start, servers = 1 }) {
  const { findNatsServer } = await import('./nats-server.mjs');
  const server = await findNatsServer({ install: true, progress: say });
  if (server.problem) return { message: server.problem };
  const ports = [];
  for (let at = 0; at < servers; at++) {
    ports.push(at === 0 && (await isFree(defaultPort)) ? defaultPort : await freePort(ports));
  }
  const routePorts = [];
  if (servers > 1) for (const _ of ports) routePorts.push(await freePort([...ports, ...routePorts]));
  const routes = routePorts.map((port) => `nats-route://127.0.0.1:${port}`).join(', ');
  for (const [at, port] of ports.entries()) {
    // Streams of a lone server and of a cluster do not mix.
    const name = servers > 1 ? `nats-${at + 1}-of-${servers}` : 'nats';
    const storeDir = join(dataDir, name);
    mkdirSync(storeDir, { recursive: true });
    const cluster = `server_name: ${name}\ncluster { name: kanade, listen: "127.0.0.1:${routePorts[at]}", routes: [ ${routes} ] }\n`;
    const config = join(dataDir, `${name}.conf`);
    writeFileSync(
      config,
      `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: ${JSON.stringify(storeDir)} }\nlog_file: ${JSON.stringify(join(dataDir, `${name}.log`))}\n${servers > 1 ? cluster : ''}`,
    );
    start(`nats-server ${at + 1}`, server.path, ['-c', config], () => false); // no line of it says more than its port does
  }
  for (const port of ports) await reachable(port);
  return {
    url: ports.map((port) => `nats://127.0.0.1:${port}`).join(','),
    description: `${servers > 1 ? `${servers} of ` : ''}nats-server ${server.version}, ${server.origin}`,
    isDefault: servers === 1 && ports[0] === defaultPort,
  };
}

const isFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** A port that nobody listens on and that is none of those. */
const freePort = (taken) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(taken.includes(port) ? freePort(taken) : port));
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
