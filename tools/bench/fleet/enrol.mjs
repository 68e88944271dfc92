/**
 * `fleet:enrol`: s until an issuer has let 500 machines in through one token, 10 at a time, each with its proof that the broker takes what it got,
 * against as many that only connect, twice each; and ms from the token to the heartbeat of one machine, with the
 * program as a person calls it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readBrokerAccess } from '../../../packages/fleet/dist/connection.js';
import {
  askEnrolment,
  newMachineSeed,
  openAuthority,
  parseToken,
  signedServerConfig,
} from '../../../packages/fleet/dist/enrol.js';
import { connectFleet } from '../../../packages/fleet/dist/index.js';
import { findNatsServer } from '../../nats-server.mjs';
import { freePort } from '../agent/setup.mjs';
import { executable } from '../cli/setup.mjs';
import { median, report } from '../report.mjs';
import { numberOption } from '../runner/setup.mjs';

const [machines, atOnce, rounds] = [numberOption('machines', 500), 10, 5];

const [program] = executable;
const dir = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
const children = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
const begin = (words, options) => {
  const child = spawn(words[0], words.slice(1), options);
  children.push(child);
  return child;
};

const keys = join(dir, 'keys');
const port = await freePort();
const users = await signedServerConfig(await openAuthority(keys), join(dir, 'accounts'));
const conf = join(dir, 'nats.conf');
writeFileSync(conf, `host: 127.0.0.1\nport: ${port}\njetstream { store_dir: "${join(dir, 'js')}" }\n${users}`);
const { path, problem } = await findNatsServer({ install: false, progress: () => undefined });
if (problem) throw new Error(problem);
begin([path, '-c', conf], { stdio: 'ignore' });
const url = `nats://127.0.0.1:${port}`;
const env = { ...process.env, HOME: dir, KANADE_NATS_URL: url, KANADE_NATS_CREDS: join(keys, 'operator.creds') };

function kanade(...words) {
  const { stdout, stderr, status } = spawnSync(program, words, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`kanade ${words.join(' ')}: ${stdout}${stderr}`);
  return JSON.parse(stdout);
}

const access = (creds) =>
  readBrokerAccess({ role: 'operator', env: { ...env, KANADE_NATS_CREDS: creds }, isRoot: false, home: dir, cwd: dir });

async function inParallel(count, work) {
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) await work(next++);
    }),
  );
  return (performance.now() - started) / 1000;
}

for (let tries = 0; spawnSync(program, ['fleet', 'setup'], { env }).status !== 0; tries++) {
  if (tries === 100) throw new Error('the broker is not there');
  await sleep(50);
}
const issuer = begin([program, 'fleet', 'enrol', 'serve', '--keys', keys], {
  env,
  stdio: ['ignore', 'ignore', 'pipe'],
});
await new Promise((resolve) => issuer.stderr.on('data', (text) => String(text).includes('ready') && resolve()));
issuer.stderr.resume();

const { token } = kanade(
  'fleet',
  'enrol-token',
  'create',
  '--keys',
  keys,
  '--group',
  'web',
  '--uses',
  String(machines),
);
const parsed = parseToken(token, Date.now());
const seconds = await inParallel(machines, (at) =>
  askEnrolment({ token: parsed, pc: `pc-${at}`, seed: newMachineSeed(), waitMs: 60_000 }),
);

// The same without enrolment: two connections of a signed user, each with one round trip.
const server = await connectFleet({ servers: access(join(keys, 'operator.creds')), name: 'peer' });
const bare = await inParallel(machines, async () => {
  for (let times = 0; times < 2; times++) {
    await using open = await connectFleet({ servers: access(join(keys, 'operator.creds')), name: 'bare' });
    await open.connection.flush();
  }
});

const heartbeats = [];
for (let round = 0; round < rounds; round++) {
  const place = join(dir, `m${round}`);
  const file = `${place}.token`;
  kanade('fleet', 'enrol-token', 'create', '--keys', keys, '--out', file);
  const beat = server.connection.subscribe(`heartbeat.m-${round}`, { max: 1 });
  await server.connection.flush();
  const started = performance.now();
  const at = ['--connection', join(place, 'agent.yaml')];
  const words = ['agent', 'enrol', '--token-file', file, '--id', `m-${round}`, '--no-restart', ...at];
  const told = spawnSync(program, words, {
    env: { ...env, KANADE_NATS_CREDS: '', KANADE_NATS_URL: '' },
    encoding: 'utf8',
  });
  if (told.status !== 0) throw new Error(told.stdout + told.stderr);
  const agentWords = [
    'agent',
    ...at,
    '--data-dir',
    join(place, 'data'),
    '--socket',
    join(place, 's'),
    '--allow-own-user',
  ];
  const agent = begin([program, ...agentWords], {
    env: { ...env, KANADE_NATS_CREDS: '', KANADE_NATS_URL: '' },
    stdio: 'ignore',
  });
  for await (const _ of beat) heartbeats.push(performance.now() - started);
  agent.kill();
  await new Promise((resolve) => agent.once('exit', resolve));
}

report({
  ...{ bench: 'fleet:enrol', unit: 's', value: seconds, peer: 'two bare connections each', peerValue: bare },
  ...{ machines, token_chars: token.length, heartbeat_ms: Math.round(median(heartbeats)) },
  issuer_mb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${issuer.pid}/status`, 'utf8'))?.[1]) / 1024),
});
process.exit(0);
