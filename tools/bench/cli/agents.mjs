/** The door for AI agents, spoken to as a client does, against the command line in the same run. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, report } from '../report.mjs';
import { callOf, executable, withJobs } from './setup.mjs';

const bench = process.argv[2];

/** ms of `run -- true`. */
async function measureRun({ dir, env }, { call }) {
  const [rounds, warmUps] = [100, 10];
  const ours = async () => {
    const startedMs = performance.now();
    const { state } = await call('run', { command: ['true'] });
    if (state !== 'exited') throw new Error('the job did not end as it should');
    return performance.now() - startedMs;
  };
  const theirs = () => callOf([...executable, 'run', '--', 'true'], { cwd: dir, env }).tookMs;
  for (let run = 0; run < warmUps; run++) [await ours(), theirs()];
  const values = [];
  const peerValues = [];
  for (let run = 0; run < rounds; run++) {
    values.push(await ours());
    peerValues.push(theirs());
  }
  const [value, peerValue] = [median(values), median(peerValues)];
  report({ bench, unit: 'ms', value, peer: 'kanade run -- true', peerValue, rounds, goal: { ratio: 1 } });
}

/** When a server has given back the pages that only its start needed, and those that it touched since then (ADR 9), in ms after it began. */
const [startGivenBackMs, givenBackMs] = [17_000, 62_000];

/**
 * Memory of 1,000 calls that wait for 1,000 jobs, and ms from the end of a job to its answer, against what the server has idle; both at
 * rest, as a server is that waits.
 */
async function measureWaits({ jobs, kanade }, { child, call }) {
  const startedMs = performance.now();
  const count = 1_000;
  const probes = 50;
  await call('status', { job_id: 'none' });
  await sleep(startedMs + startGivenBackMs - performance.now());
  const idleBytes = residentOf(child.pid);
  // One job that ends by itself for each probe; the other calls wait for one that goes on.
  const { job_id: long } = await call('run', { command: ['sleep', '600'], until: 0 });
  const waits = Array.from({ length: count - 1 }, () => call('wait', { job_id: long, until: 50 }));
  const wakes = [];
  for (let probe = 0; probe < probes; probe++) {
    const { job_id: id } = await call('run', { command: ['sleep', '0.1'], until: 0 });
    const { state } = await call('wait', { job_id: id, until: 50 });
    if (state !== 'exited') throw new Error('the job did not end as it should');
    wakes.push(Date.now() - endOf(jobs, id));
  }
  const busyBytes = residentOf(child.pid);
  await sleep(Math.max(0, startedMs + givenBackMs - performance.now()));
  const value = residentOf(child.pid) / 1e6;
  const last = performance.now();
  kanade('kill', long);
  await Promise.all(waits);
  const allMs = performance.now() - last;
  wakes.sort((a, b) => a - b);
  report({
    bench,
    unit: 'MB',
    value,
    peer: 'the same server, idle',
    peerValue: idleBytes / 1e6,
    busyMB: Math.round(busyBytes / 1e5) / 10,
    waits: count,
    goal: { value: 60, wakeP99Ms: 50 },
    wakeP50Ms: wakes[Math.floor(probes / 2)],
    wakeP99Ms: wakes.at(-1),
    allAnsweredMs: Math.round(allMs),
  });
}

const residentOf = (pid) => Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

/** When the shim wrote how the job ended, on the clock of the machine, in ms. */
const endOf = (jobs, id) => Math.floor(Bun.file(`${jobs}/${id}/ending`).lastModified);

/** A server, and calls of its tools. */
async function connect({ dir, env }) {
  const [file, ...words] = executable;
  const child = spawn(file, [...words, 'mcp'], { cwd: dir, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting = new Map();
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const { id, result } = JSON.parse(line);
      waiting.get(id)?.(result);
      waiting.delete(id);
    }
  });
  let count = 0;
  const ask = (method, params) =>
    new Promise((resolve) => {
      const id = count++;
      waiting.set(id, resolve);
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    });
  const clientInfo = { name: 'bench', version: '1' };
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  child.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  const call = async (name, given) => (await ask('tools/call', { name, arguments: given })).structuredContent;
  return { child, call };
}

await withJobs(async (place) => {
  const server = await connect(place);
  try {
    await (bench === 'mcp:run' ? measureRun : measureWaits)(place, server);
  } finally {
    server.child.stdin.end();
  }
});
