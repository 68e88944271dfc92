/** Start-up of local commands against an empty program compiled the same way: what the machine charges anyway. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, hostPlatform } from '../../apps/kanade/build/executable.mjs';
import { root } from '../toolchain.mjs';
import { interleave, report } from './report.mjs';

const rounds = 200;
const warmUps = 10;

const bench = process.argv[2];
const program = join(root, 'apps/kanade/dist/executable', hostPlatform(), 'kanade');
const dir = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
// A home of its own: the login shell of the default wrapper would otherwise run whatever profile this user has.
const env = { PATH: process.env.PATH, HOME: dir, AGENT_EXEC_ROOT: join(dir, 'jobs') };

function time(file, args) {
  const startedMs = performance.now();
  const { status, stdout } = spawnSync(file, args, { env, cwd: dir, stdio: ['ignore', 'pipe', 'inherit'] });
  const tookMs = performance.now() - startedMs;
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} exited ${status}: ${stdout}`);
  return { tookMs, stdout: String(stdout) };
}

try {
  const empty = join(root, '.cache/bench/empty');
  mkdirSync(join(root, '.cache/bench'), { recursive: true });
  writeFileSync(`${empty}.cjs`, '');
  compile(`${empty}.cjs`, empty);
  const { job_id: jobId } = JSON.parse(time(program, ['run', '--', 'true']).stdout);
  const args = bench === 'cli:status' ? ['status', jobId] : ['run', '--', 'true'];
  const ours = () => time(program, args).tookMs;
  const peer = () => time(empty, []).tookMs;
  for (let run = 0; run < warmUps; run++) [ours(), peer()];
  const [value, peerValue] = interleave(rounds, ours, peer);
  if (!time(program, args).stdout.includes('"state":"exited"')) throw new Error('the job did not end as it should');
  report({
    bench,
    unit: 'ms',
    value,
    peer: 'empty program, compiled the same way',
    peerValue,
    rounds,
    runtime: 'executable',
  });
} finally {
  rmSync(dir, { recursive: true, force: true });
}
