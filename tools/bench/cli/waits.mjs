/** A thousand waits in one process of ours, `kanade serve`: what they weigh, and how soon each hears of the end of its job. */
import { readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { report } from '../report.mjs';
import { importRunner, numberOption, percentile, rounded, until } from '../runner/setup.mjs';
import { executable, withJobs } from './setup.mjs';

const runner = await importRunner();
const waits = numberOption('waits', 1000);
/** Jobs that end, one after the other, and the time between two ends, in ms. */
const [ends, pauseMs] = [Math.min(waits, numberOption('ends', 300)), 20];

const residentMB = (pid) => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1000;
};

/** The processor time of a process, in ms. */
const cpuMsOf = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};

/** Asks for the end of a job; when the answer came, on the clock of `performance.now()`. */
function askFor(port, id) {
  const { promise, resolve, reject } = Promise.withResolvers();
  let text = '';
  const socket = connect(port, '127.0.0.1', () => {
    socket.write(
      `GET /wait/${id} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );
  });
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', reject);
  socket.on('close', () =>
    text.startsWith('HTTP/1.1 200 ') && text.includes('"ended_by"') === false
      ? resolve(performance.now())
      : reject(new Error(`not an end: ${text.slice(0, 500)}`)),
  );
  return promise;
}

/** When a server has given back the pages that only its start needed (ADR 9), in ms after it began. */
const givenBackMs = 62_000;

/** How long a job lives, in s: longer than all of this takes, and not for ever where this is killed. */
const jobSeconds = '240';

const token = 'x'.repeat(40);

const launch = (jobs) => {
  const launched = jobs.launch({ command: ['sleep', jobSeconds], cwd: '/', shellWrapper: [] });
  launched.release();
  return launched.job;
};

const workloadOf = (job) => {
  const { pid } = runner.settle(job).state;
  return until(
    'the workload runs',
    () => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ')[0]) || undefined,
  );
};

/** Ends jobs one after the other; ms until each answer had come. */
async function wakeUps(jobs) {
  const tookMs = [];
  for (const { job, answered } of jobs) {
    const workload = await workloadOf(job);
    const startedMs = performance.now();
    process.kill(workload, 'SIGKILL');
    tookMs.push((await answered) - startedMs);
    await sleep(pauseMs);
  }
  return tookMs;
}

await withJobs(async ({ dir, env, jobs: root }) => {
  const address = `${dir}/url`;
  const serve = [...executable, 'serve', '--port', '0', '--insecure', '--address-file', address];
  const server = Bun.spawn(serve, {
    cwd: dir,
    env: { ...env, AGENT_EXEC_SERVE_TOKEN: token },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const startedMs = performance.now();
  const jobs = runner.openJobs(root, { keeper: 'process', keeperWords: [...executable, '_host', '--root', root], env });
  const made = [];
  try {
    const port = await until('the server listens', () => {
      try {
        return Number(new URL(readFileSync(address, 'utf8').trim()).port);
      } catch {
        return undefined;
      }
    });
    const asked = (count) =>
      Array.from({ length: count }, () => launch(jobs)).map(
        (job) => made[made.push({ job, answered: askFor(port, job.id) }) - 1],
      );
    const alone = await wakeUps(asked(1));
    for (let round = 1; round < 100; round++) alone.push(...(await wakeUps(asked(1))));
    const restMB = residentMB(server.pid);
    const waiting = asked(waits);
    await sleep(Math.max(5_000, startedMs + givenBackMs - performance.now())); // until all are waited for, and the server is at rest
    const [waitingMB, cpuBeforeMs] = [residentMB(server.pid), cpuMsOf(server.pid)];
    await sleep(5_000);
    const idleCpuPercent = (cpuMsOf(server.pid) - cpuBeforeMs) / 50;
    const together = await wakeUps(waiting.slice(0, ends));
    report({
      bench: 'local:waits',
      unit: 'ms from the end of a job to the answer of its wait, p99',
      value: percentile(together, 0.99),
      peer: 'p99 of a wait that is alone in the same server',
      peerValue: percentile(alone, 0.99),
      p50: rounded(percentile(together, 0.5)),
      peerP50: rounded(percentile(alone, 0.5)),
      residentMB: { atRest: rounded(restMB), waiting: rounded(waitingMB), after: rounded(residentMB(server.pid)) },
      idleCpuPercent: rounded(idleCpuPercent),
      goal: { p99: 50, residentMB: 60 },
      waits,
      ends,
      runtime: 'executable',
    });
  } finally {
    for (const { answered } of made) answered.catch(() => undefined);
    server.kill('SIGTERM');
    await server.exited;
    for (const { job } of made)
      if (runner.settle(job).status === 'running') process.kill(await workloadOf(job), 'SIGKILL');
    await until('all jobs have ended', () => made.every(({ job }) => runner.settle(job).status !== 'running'), 100);
    rmSync(address, { force: true });
  }
});
