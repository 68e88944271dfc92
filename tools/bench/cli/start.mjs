/** Start-up of local commands against an empty program of the same runtime: what the machine charges anyway. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from '../../../apps/kanade/build/executable.mjs';
import { root } from '../../toolchain.mjs';
import { interleave, report } from '../report.mjs';
import { callOf, executable, node, nodeBundle, withJobs } from './setup.mjs';

const bench = process.argv[2];
const warmUps = 10;

const empty = join(root, '.cache/bench/empty');
mkdirSync(join(root, '.cache/bench'), { recursive: true });
writeFileSync(`${empty}.cjs`, '');
compile(`${empty}.cjs`, empty);

const sides = [
  {
    runtime: 'executable',
    words: executable,
    peer: 'empty program, compiled the same way',
    peerWords: [empty],
    rounds: 200,
    goal: { ratio: bench === 'cli:status' ? 1.8 : 2.5 },
  },
  { runtime: 'node bundle', words: nodeBundle, peer: 'node -e 0', peerWords: [node, '-e', '0'], rounds: 40 },
];

await withJobs(({ dir, env, kanade }) => {
  const { job_id: jobId } = kanade('run', '--', 'true');
  const args = bench === 'cli:status' ? ['status', jobId] : ['run', '--', 'true'];
  for (const { words, peerWords, rounds, ...more } of sides) {
    const ours = () => callOf([...words, ...args], { cwd: dir, env });
    const peer = () => callOf(peerWords, { cwd: dir, env });
    for (let run = 0; run < warmUps; run++) [ours(), peer()];
    const [value, peerValue] = interleave(
      rounds,
      () => ours().tookMs,
      () => peer().tookMs,
    );
    if (!ours().stdout.includes('"state":"exited"')) throw new Error('the job did not end as it should');
    report({ bench, unit: 'ms', value, peerValue, rounds, ...more });
  }
});
