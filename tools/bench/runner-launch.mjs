/** Launches per second to state running through a warm host; beside it bare spawns of the same shim into the same kind of files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { median, report } from './report.mjs';
import { loadRunner, numberOption, runtime, withRoot } from './runner-setup.mjs';

const runner = await loadRunner();
const batch = numberOption('batch', 50);
const rounds = numberOption('rounds', 10);
const perSecond = (startedMs) => (batch * 1000) / (performance.now() - startedMs);

/** The time until all are running counts; their ends are waited for outside of it, so that both sides start alike. */
async function ours(root, host) {
  const launched = [];
  const startedMs = performance.now();
  for (let job = 0; job < batch; job++) {
    launched.push(host.launch({ command: ['true'], cwd: root, shellWrapper: [] }, process.env));
  }
  const value = perSecond(startedMs);
  for (const { job } of launched) {
    const { state } = await host.adopt(job);
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

await withRoot(runner, async (root) => {
  const host = runner.createHost({ root });
  const [jobs, children] = [[], []];
  await ours(root, host);
  await bare(root);
  for (let round = 0; round < rounds; round++) {
    jobs.push(await ours(root, host));
    children.push(await bare(root));
  }
  await host[Symbol.asyncDispose]();
  report({
    bench: 'runner:launch',
    unit: 'launches/s',
    value: median(jobs),
    peer: 'child_process.spawn of the same shim',
    peerValue: median(children),
    goal: { perSecond: 500, ratio: 0.75 },
    batch,
    rounds,
    runtime,
  });
});
