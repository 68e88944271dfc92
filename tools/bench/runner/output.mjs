/** A gigabyte of lines from one job under a keeper; beside it the same command with a plain redirect to the same disk. */
import { spawnSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { median, report } from '../report.mjs';
import { cpuMsOf, loadRunner, numberOption, programWords, pssOf, rounded, runtime, until, withRoot } from './setup.mjs';

const runner = await loadRunner();
const megabytes = numberOption('megabytes', 1000);
const rounds = numberOption('rounds', 3);
const bytes = megabytes * 1_000_000;
const line = 'GET /static/js/app.4f2a9c.js 200 13ms 10.0.0.17 cache=hit zone=eu';
const script = `yes '${line}' | head -c ${bytes}`;

async function ours(root, keeper) {
  const cpuBeforeMs = cpuMsOf(keeper);
  let peak = 0;
  const startedMs = performance.now();
  const launched = runner.launchJob(root, { command: [script], cwd: root, shellWrapper: ['sh', '-c'] }, process.env);
  runner.mark(root, launched.job);
  const sample = setInterval(() => {
    peak = Math.max(peak, pssOf(keeper));
  }, 100);
  await launched.ended;
  const tookMs = performance.now() - startedMs;
  clearInterval(sample);
  await until('the keeper has settled the job', () => runner.settle(launched.job).status === 'exited');
  const written = statSync(runner.pathOf(launched.job, 'stdout')).size;
  if (written !== bytes) throw new Error(`the log has ${written} bytes, not ${bytes}`);
  const cpuMs = cpuMsOf(keeper) - cpuBeforeMs;
  runner.deleteJob(launched.job, { dryRun: false });
  return { tookMs, cpuShare: cpuMs / tookMs, peak };
}

function redirect(root) {
  const target = join(root, 'redirect.log');
  const startedMs = performance.now();
  const { status } = spawnSync('sh', ['-c', `{ ${script}; } >'${target}'`]);
  const tookMs = performance.now() - startedMs;
  if (status !== 0 || statSync(target).size !== bytes) throw new Error('the redirect failed');
  rmSync(target);
  return tookMs;
}

await withRoot(runner, async (root) => {
  runner.ensureKeeper(root, programWords('./keeper.mjs', root));
  const keeper = await until('the keeper serves', () => runner.liveKeeper(root)?.pid);
  const before = pssOf(keeper);
  redirect(root);
  const [jobs, plain] = [[], []];
  for (let round = 0; round < rounds; round++) {
    jobs.push(await ours(root, keeper));
    plain.push(redirect(root));
  }
  report({
    bench: 'runner:output',
    unit: 's',
    value: median(jobs.map(({ tookMs }) => tookMs)) / 1000,
    peer: 'plain shell redirect to the same disk',
    peerValue: median(plain) / 1000,
    keeperCpuPercent: rounded(median(jobs.map(({ cpuShare }) => cpuShare)) * 100),
    keeperMiB: {
      before: rounded(before / 2 ** 20),
      peak: rounded(Math.max(...jobs.map(({ peak }) => peak)) / 2 ** 20),
    },
    goal: { ratio: 1.05, keeperCpuPercent: 5 },
    megabytes,
    rounds,
    runtime,
  });
});
