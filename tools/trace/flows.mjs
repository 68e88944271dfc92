/**
 * Counts what one run of three flows walks through, from the sources on this Node: an order from NATS to its published result (the
 * agent), a click to its last progress (Client App and agent), and `kanade run -- true` (the command line). One JSON line a flow:
 * `rooms`, the source files that are entered, and `returns`, how often one is entered that was left before, per process, added up.
 * `--show` prints the rooms in the order in which they are entered first. Needs a nats-server for the first flow.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environment, root } from '../toolchain.mjs';

const show = process.argv.includes('--show');
const home = mkdtempSync(join(tmpdir(), 'kanade-flows-'));
const log = openSync(join(home, 'log'), 'a');
const node = ['--conditions=@kanade/source', '--disable-warning=ExperimentalWarning'];
const hook = join(root, 'tools/trace/enter.mjs');
const sources = {
  cli: 'apps/cli/src/bin.ts',
  agent: 'packages/agent/src/bin.ts',
  client: 'apps/client-app/src/bin.ts',
};
const children = [];

/** Words and environment that start a program from its sources, traced into `trace` when that is given. */
const programOf = (name, args, trace) => ({
  words: [...node, ...(trace ? [`--import=${hook}`] : []), join(root, sources[name]), ...args],
  env: { ...environment(), ...(trace ? { TRACE_FILE: trace } : {}) },
});

/** Starts a program and resolves with the first line of its output that holds `text`. */
function start(name, args, { trace, text }) {
  const { words, env } = programOf(name, args, trace);
  const child = spawn(process.execPath, words, { cwd: home, env, stdio: ['ignore', 'pipe', log] });
  children.push(child);
  return new Promise((resolve, reject) => {
    let seen = '';
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)));
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      seen += chunk;
      const line = seen.split('\n').find((candidate) => candidate.includes(text));
      if (line !== undefined) resolve(line);
    });
  });
}

function run(name, args, trace) {
  const { words, env } = programOf(name, args, trace);
  return new Promise((resolve, reject) => {
    let output = '';
    const child = spawn(process.execPath, words, { cwd: home, env, stdio: ['ignore', 'pipe', log] });
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(output) : reject(new Error(`${name} ${args[0]}: ${output}`))));
  });
}

/** Entries of a trace in a window of time, per process. */
function count(flow, traces, { fromMs = 0, toMs = Number.POSITIVE_INFINITY } = {}) {
  const rooms = new Set();
  let returns = 0;
  for (const trace of traces) {
    const left = new Set();
    const lines = existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : [];
    const entries = lines.map((line) => JSON.parse(line)).filter(([ms]) => ms >= fromMs && ms <= toMs);
    for (const [, , room] of entries) {
      if (left.has(room)) returns++;
      left.add(room);
      rooms.add(room);
    }
  }
  console.log(JSON.stringify({ flow, rooms: rooms.size, returns }));
  if (show) for (const room of rooms) console.log(`  ${room}`);
}

const jobText = `id: trace\nversion: "1"\nexecute:\n  shell: sh\n  timeout: 60s\n  script: echo hello\nclient:\n  name: Trace\n  category: tests\n`;
const jobs = join(home, 'jobs');
mkdirSync(jobs);
writeFileSync(join(jobs, 'trace.yaml'), jobText);
const trace = (name) => join(home, `trace-${name}`);
/** How much later than the agent we may hear of an order, in ms. */
const ownMs = 20;
/** Traces are written every 50 ms: what belongs to the window is on disk some rounds later. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 400));
const now = () => performance.timeOrigin + performance.now();

async function order() {
  const { findNatsServer } = await import('../nats-server.mjs');
  const server = await findNatsServer({ install: true, progress: () => undefined });
  if (server.problem) throw new Error(server.problem);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const broker = spawn(server.path, ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', join(home, 'nats')], {
    stdio: 'ignore',
  });
  children.push(broker);
  const url = `nats://127.0.0.1:${port}`;
  process.env.KANADE_NATS_URL = url;
  for (let attempt = 0; attempt < 50; attempt++) {
    const { status } = spawnSync(process.execPath, programOf('cli', ['fleet', 'setup']).words, {
      env: environment(),
      stdio: 'ignore',
    });
    if (status === 0) break;
  }
  await run('cli', ['fleet', 'job', 'put', join(jobs, 'trace.yaml')]);
  const words = ['--id', 'pc-1', '--data-dir', join(home, 'data-order'), '--socket', join(home, 'o')];
  await start('agent', [...words, '--server', url, '--allow-own-user'], { trace: trace('order'), text: 'agent.ready' });
  await run('cli', ['fleet', 'ping', 'pc-1']);
  const { connect } = await import('@nats-io/transport-node');
  const connection = await connect({ servers: url });
  const times = {};
  for (const subject of ['commands', 'results']) {
    connection.subscribe(`${subject}.>`, {
      callback: () => {
        times[subject] = now();
      },
    });
  }
  await connection.flush();
  const exec = ['fleet', 'exec', 'trace', '--pc', 'pc-1', '--wait'];
  await run('cli', exec); // once without being counted: what is made at the first use is not the flow
  await settled();
  await run('cli', exec);
  await settled();
  await connection.close();
  delete process.env.KANADE_NATS_URL;
  count('order', [trace('order')], { fromMs: times.commands - ownMs, toMs: times.results });
}

async function click() {
  const socket = join(home, 'c');
  const words = ['--id', 'pc-1', '--data-dir', join(home, 'data-click'), '--socket', socket, '--jobs', jobs];
  await start('agent', [...words, '--allow-own-user'], { trace: trace('click-agent'), text: 'agent.ready' });
  const line = await start('client', ['--socket', socket], { trace: trace('click-client'), text: 'http://' });
  const url = new URL(line.slice(line.indexOf('http://')));
  const post = (path, body, key) =>
    fetch(new URL(path, url), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
      body: JSON.stringify(body),
    });
  const { key } = await (await post('/api/session', { token: url.hash.slice('#token='.length) })).json();
  const events = await fetch(new URL('/api/events', url), { headers: { authorization: `Bearer ${key}` } });
  const reader = events.body.pipeThrough(new TextDecoderStream()).getReader();
  const untilEnd = async () => {
    for (let text = ''; !/"(completed|failed|killed)"/.test(text); ) text += (await reader.read()).value;
  };
  await untilJobs(() => fetch(new URL('/api/jobs', url), { headers: { authorization: `Bearer ${key}` } }));
  const click = async () => {
    const answer = await post('/api/runs', { job_id: 'trace' }, key);
    if (!answer.ok) throw new Error(await answer.text());
    await untilEnd();
  };
  await click();
  await settled();
  const fromMs = now();
  await click();
  const toMs = now();
  await settled();
  count('click', [trace('click-client'), trace('click-agent')], { fromMs, toMs });
}

async function untilJobs(list) {
  for (;;) {
    const answer = await list();
    if (answer.ok && (await answer.json()).items.length > 0) return;
  }
}

async function local() {
  const words = ['--root', join(home, 'root'), 'run', '--', 'true'];
  await run('cli', words);
  await run('cli', words, trace('run'));
  count('run', [trace('run')]);
}

try {
  await order();
  await click();
  await local();
} finally {
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.pid === undefined) continue;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 3_000))]);
    child.kill('SIGKILL');
  }
  rmSync(home, { recursive: true, force: true });
  process.exit();
}
