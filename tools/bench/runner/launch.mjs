/**
 * Launches per second to state running through a warm keeper, against bare spawns of the same shim into the same kind of files.
 * Beside them, once and not interleaved: execa with output into files, and task-spooler where it is installed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { median, report } from '../report.mjs';
import { loadRunner, numberOption, runtime, withRoot } from './setup.mjs';

const runner = await loadRunner();
const batch = numberOption('batch', 50);
const rounds = numberOption('rounds', 10);
const perSecond = (startedMs) => (batch * 1000) / (performance.now() - startedMs);

/** The time until all are running counts; their ends are waited for outside of it, so that both sides start alike. */
async function ours(root, keeper) {
  const launched = [];
  const startedMs = performance.now();
  for (let job = 0; job < batch; job++) {
    launched.push(keeper.launch({ command: ['true'], cwd: root, shellWrapper: [] }));
  }
  const value = perSecond(startedMs);
  for (const { job } of launched) {
    const { state } = await keeper.adopt(job);
    if (state.ending.exitCode !== 0) throw new Error(`a job ended as ${JSON.stringify(state.ending)}`);
  }
  return value;
}

async function bare(root) {
  const ends = [];
  const startedMs = performance.now();
  for (let child = 0; child < batch; child++) {
    const fds = ['out', 'record', 'err'].map((name) => openSync(join(root, `peer-${name}`), 'a', 0o600));
    const args = ['-c', runner.shimScript, 'kanade-shim', '', 'true'];
    ends.push(once(spawn(runner.shimShell(), args, { cwd: root, stdio: ['ignore', ...fds], detached: true }), 'exit'));
    for (const fd of fds) closeSync(fd);
  }
  const value = perSecond(startedMs);
  await Promise.all(ends);
  return value;
}

/** What a new file costs on this disk, in µs: a file system that has just lost many files is slow to make new ones. */
function newFileMicroseconds(root) {
  const count = 200;
  const startedMs = performance.now();
  for (let file = 0; file < count; file++) closeSync(openSync(join(root, `new-${file}`), 'ax', 0o600));
  return Math.round(((performance.now() - startedMs) * 1000) / count);
}

async function withExeca(root) {
  const startedMs = performance.now();
  const ends = Array.from({ length: batch }, () =>
    execa('true', {
      cwd: root,
      stdin: 'ignore',
      stdout: { file: join(root, 'e-out') },
      stderr: { file: join(root, 'e-err') },
    }),
  );
  const value = perSecond(startedMs);
  await Promise.all(ends);
  return value;
}

/** One call of its client a job, as its users make it; its server keeps the outputs. Null where it is not installed. */
function withTaskSpooler(root) {
  const env = {
    PATH: process.env.PATH,
    TMPDIR: root,
    TS_SOCKET: join(root, 'ts'),
    TS_SLOTS: String(batch),
    TS_MAXFINISHED: '10',
  };
  const tsp = (...words) => spawnSync('tsp', words, { env, cwd: root, stdio: ['ignore', 'ignore', 'ignore'] });
  if (tsp('true').status !== 0) return null;
  const startedMs = performance.now();
  for (let job = 0; job < batch; job++) tsp('true');
  const value = perSecond(startedMs);
  tsp('-K');
  return Math.round(value);
}

await withRoot(runner, async (root) => {
  const keeper = runner.openJobs(root, { keeper: 'here' });
  const [jobs, children] = [[], []];
  await ours(root, keeper);
  await bare(root);
  for (let round = 0; round < rounds; round++) {
    jobs.push(await ours(root, keeper));
    children.push(await bare(root));
  }
  await keeper[Symbol.asyncDispose]();
  const beside = { execa: Math.round(await withExeca(root)), 'task-spooler': withTaskSpooler(root) };
  report({
    bench: 'runner:launch',
    unit: 'launches/s',
    value: median(jobs),
    peer: 'child_process.spawn of the same shim',
    peerValue: median(children),
    beside,
    newFileMicroseconds: newFileMicroseconds(root),
    goal: { perSecond: 500, ratio: 0.75 },
    batch,
    rounds,
    runtime,
  });
});
