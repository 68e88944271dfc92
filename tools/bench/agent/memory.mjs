/** What an idle agent weighs, 100 s after it is ready: some heartbeats later, pages of the start given back, without a broker and with one, beside an empty program of the same runtime. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from '../../../apps/kanade/build/executable.mjs';
import { findNatsServer } from '../../nats-server.mjs';
import { root } from '../../toolchain.mjs';
import { executable } from '../cli/setup.mjs';
import { median, report } from '../report.mjs';

const [rounds, restMs] = [3, 100_000];
const home = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
const children = [];

function start(words) {
  const child = spawn(words[0], words.slice(1), { cwd: home, stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  return child;
}
const rest = () => new Promise((resolve) => setTimeout(resolve, restMs));

/** Resident and anonymous MB of a process. */
function weigh({ pid }) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kB = (name) => Number(new RegExp(`^${name}: +(\\d+)`, 'm').exec(text)?.[1]);
  return { resident: kB('Rss') / 1000, anonymous: kB('Anonymous') / 1000 };
}

/** Starts an agent; resolves when it is ready. */
async function startAgent(name, server) {
  const dir = join(home, name);
  const words = ['agent', '--id', name, '--data-dir', dir, '--socket', `${dir}.s`, '--allow-own-user'];
  const jobs = ['--jobs', join(root, 'examples/jobs')];
  const child = start([...executable, ...words, ...jobs, ...(server ? ['--server', server] : [])]);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}

function endOf(child) {
  const weight = weigh(child);
  child.kill('SIGTERM');
  return weight;
}

/** Makes the streams and buckets, as soon as the broker answers. */
async function setUp(url) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const env = { ...process.env, KANADE_NATS_URL: url };
    if (spawnSync(executable[0], ['fleet', 'setup'], { env, stdio: 'ignore' }).status === 0) return;
  }
  throw new Error('the broker could not be set up');
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

try {
  const { path, problem } = await findNatsServer({ install: false, progress: () => undefined });
  if (problem) throw new Error(problem);
  const port = await freePort();
  start([path, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(home, 'nats')]);
  await setUp(`nats://127.0.0.1:${port}`);
  const source = join(home, 'empty.cjs');
  writeFileSync(source, 'setInterval(() => {}, 1000);\n');
  compile(source, join(home, 'empty'));
  const weights = { alone: [], withBroker: [], empty: [] };
  for (let round = 0; round < rounds; round++) {
    const alone = await startAgent(`alone-${round}`);
    const withBroker = await startAgent(`fleet-${round}`, `nats://127.0.0.1:${port}`);
    const empty = start([join(home, 'empty')]);
    await rest();
    for (const [side, child] of Object.entries({ alone, withBroker, empty })) weights[side].push(endOf(child));
  }
  const mb = (side, what) => Math.round(median(weights[side].map((weight) => weight[what])) * 10) / 10;
  report({
    bench: 'agent:memory',
    unit: 'MB resident, connected to a broker',
    value: mb('withBroker', 'resident'),
    peer: 'an empty program',
    peerValue: mb('empty', 'resident'),
    anonymous: {
      withBroker: mb('withBroker', 'anonymous'),
      alone: mb('alone', 'anonymous'),
      peer: mb('empty', 'anonymous'),
    },
    alone: mb('alone', 'resident'),
    goal: { MB: 50 },
    rounds,
    runtime: 'executable',
  });
} finally {
  for (const child of children) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
}
