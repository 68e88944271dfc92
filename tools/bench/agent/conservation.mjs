/**
 * Orders to five agents while agents, links and the broker are killed, frozen and cut off at random; judged by what RESULTS holds,
 * once on a broker that keeps what it has written, once on one that loses at a kill what it had not synced, once on three servers of
 * which one at a time is killed, frozen, cut off, or comes back with an empty disk.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { findNatsServer } from '../../nats-server.mjs';
import { root } from '../../toolchain.mjs';
import { executable, node } from '../cli/setup.mjs';
import { report } from '../report.mjs';

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : process.argv[at + 1];
};
const [runs, faults] = [Number(option('runs', '5000')), Number(option('faults', '1000'))];
const seed = option('seed', String(Date.now() % 1_000_000_000));
const { path, problem } = await findNatsServer({ install: false, progress: () => undefined });
if (problem) throw new Error(problem);

function storm(words, share) {
  const program = join(root, 'apps/kanade/test/trust/conservation/program.ts');
  const sizes = ['--runs', String(Math.ceil(runs * share)), '--faults', String(Math.ceil(faults * share))];
  const { stdout, stderr } = spawnSync(
    node,
    ['--conditions=@kanade/source', program, path, ...sizes, '--seed', seed, ...words],
    {
      cwd: root,
      encoding: 'utf8',
      env: { ...process.env, KANADE_PROGRAM: JSON.stringify(executable) },
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  if (!stdout.startsWith('{')) throw new Error(`the storm ended without a word: ${stderr}`);
  return JSON.parse(stdout);
}

for (const [disk, words, share] of [
  ['keeps what was written', ['--brokers', 'keeps'], 1],
  ['loses at a kill what was not synced', ['--brokers', 'forgets'], 0.2],
  ['of three servers, one of which is lost at a time', ['--brokers', 'cluster'], 0.2],
]) {
  const { accepted, faults: wrongs, logs, ...tally } = storm(words, share);
  const { lost, doubled, wrong, unknown } = tally;
  report({
    bench: 'agent:conservation',
    unit: 'endings lost, doubled, wrong or unknown',
    value: lost + doubled + wrong + unknown,
    peer: 'orders accepted',
    peerValue: accepted,
    ...tally,
    disk,
    goal: { lost: 0, doubled: 0, wrong: 0, unknown: 0 },
    runtime: 'executable',
  });
  if (wrongs.length > 0) {
    process.exitCode = 1;
    process.stderr.write(`${[...wrongs, ...logs].join('\n')}\n`);
  }
}
