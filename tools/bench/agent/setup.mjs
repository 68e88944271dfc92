/** What the benchmarks of the agent share: a broker with our streams, agents on it, and an operator who hears every result. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { compile } from '../../../apps/kanade/build/executable.mjs';
import { findNatsServer } from '../../nats-server.mjs';
import { executable } from '../cli/setup.mjs';

/** As many runs as an agent lets go on at the same time. */
export const places = availableParallelism();

/** Gives `work` a broker that is set up, and ways to start agents on it; whatever was started ends with it. */
export async function withFleet(work) {
  const home = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
  const children = new Set();
  const port = await freePort();
  const server = `nats://127.0.0.1:${port}`;
  const start = (words, options = {}) => {
    const child = spawn(words[0], words.slice(1), { cwd: home, stdio: ['ignore', 'pipe', 'ignore'], ...options });
    children.add(child);
    return child;
  };
  try {
    const { path, problem } = await findNatsServer({ install: false, progress: () => undefined });
    if (problem) throw new Error(problem);
    const startBroker = () => start([path, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(home, 'nats')]);
    let broker = startBroker();
    await setUp(server);
    return await work({
      home,
      server,
      port,
      start,
      startAgent: (id, options) => startAgent({ home, start, server }, id, options),
      /** Kills the broker and starts it again; resolves with its process. */
      async restartBroker() {
        const gone = new Promise((resolve) => broker.once('exit', resolve));
        broker.kill('SIGKILL');
        await gone;
        broker = startBroker();
        return broker;
      },
    });
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await killAllIn(home);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Starts an agent; resolves when it is ready. `server: undefined` = it works on its own. */
async function startAgent({ home, start, ...fleet }, id, options = {}) {
  const server = 'server' in options ? options.server : fleet.server;
  const place = join(home, id);
  const own = ['--id', id, '--data-dir', place, '--socket', `${place}.s`, '--allow-own-user', '--log-level', 'warn'];
  const child = start([
    ...executable,
    'agent',
    ...own,
    ...(options.args ?? []),
    ...(server === undefined ? [] : ['--server', server]),
  ]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

/** Makes the streams and buckets, as soon as the broker answers. */
async function setUp(url) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const env = { ...process.env, KANADE_NATS_URL: url };
    if (spawnSync(executable[0], ['fleet', 'setup'], { env, stdio: 'ignore' }).status === 0) return;
    await sleep(50);
  }
  throw new Error('the broker could not be set up');
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Jobs outlive their agents. */
async function killAllIn(home) {
  const left = () =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((pid) => {
        try {
          return (
            readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(home) ||
            readFileSync(`/proc/${pid}/environ`, 'utf8').includes(home)
          );
        } catch {
          return false;
        }
      });
  for (let pids = left(); pids.length > 0; pids = left()) {
    for (const pid of pids) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // gone already
      }
    }
    await sleep(20);
  }
}

/** An operator on the broker, who hears every result at once. */
export async function openOperator(server) {
  const connection = await connect({ servers: server, maxReconnectAttempts: -1 });
  const waiting = new Map();
  connection.subscribe('results.>', {
    callback: (_, message) => {
      const requestId = message.subject.slice('results.'.length);
      waiting.get(requestId)?.(message.json());
      waiting.delete(requestId);
    },
  });
  await connection.flush();
  let count = 0;
  return {
    connection,
    /** Orders a script of its own job; `result` resolves with what came of it. */
    order(pc, script, more = {}) {
      const requestId = `bench-${process.pid}-${++count}`;
      const result = new Promise((resolve) => waiting.set(requestId, resolve));
      const order = { id: requestId, version: '1', request_id: requestId, exec_id: requestId, shell: 'sh', script };
      connection.publish(`commands.pc.${pc}.${requestId}`, JSON.stringify({ ...order, timeout_secs: 3600, ...more }));
      return { requestId, result };
    },
    /** One request to the broker's own interface. */
    ask: async (subject, body = '') =>
      (await connection.request(`$JS.API.${subject}`, body, { timeout: 10_000 })).json(),
    close: () => connection.close(),
  };
}

/** Starts `sleep 3600` so many times on one agent; resolves when all of them run. */
export async function holdJobs(operator, pc, count) {
  const started = new Set();
  const all = Promise.withResolvers();
  const subscription = operator.connection.subscribe('events.started.>', {
    callback: (_, message) => {
      if (started.add(message.json().request_id).size >= count) all.resolve();
    },
  });
  await operator.connection.flush();
  for (let nth = 0; nth < count; nth++) operator.order(pc, 'exec sleep 3600', { bypass_local_limit: true });
  await all.promise;
  subscription.unsubscribe();
}

/** Starts a program of the same runtime that does nothing but stay. */
export function startEmpty({ home, start }, write) {
  const source = join(home, 'empty.cjs');
  write(source, 'setInterval(() => {}, 1000);\n');
  compile(source, join(home, 'empty'));
  return start([join(home, 'empty')]);
}

/** Time that a process has spent on a processor, in ms, all of its threads together. */
export function processorMsOf({ pid }) {
  return readdirSync(`/proc/${pid}/task`)
    .map((task) => Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);
}
