/** What the benchmarks of the command line share: the programs that ship, a home of their own, and calls that are timed. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostPlatform } from '../../../apps/kanade/build/executable.mjs';
import { nodePath, root } from '../../toolchain.mjs';

/** The words that run the product: compiled, and as a bundle on Node. */
export const executable = [join(root, 'apps/kanade/dist/executable', hostPlatform(), 'kanade')];
export const node = nodePath();
export const nodeBundle = [node, join(root, 'apps/kanade/dist/bundle/main.cjs')];

/** Gives `work` calls of the executable against a jobs root in a directory that goes with it. */
export async function withJobs(work) {
  const dir = await mkdtemp(join(tmpdir(), 'kanade-bench-'));
  // A home of its own: the login shell of the default wrapper would otherwise run whatever profile this user has.
  const env = { PATH: process.env.PATH, HOME: dir, AGENT_EXEC_ROOT: join(dir, 'jobs') };
  const call = (...args) => callOf([...executable, ...args], { cwd: dir, env });
  try {
    return await work({
      dir,
      env,
      jobs: env.AGENT_EXEC_ROOT,
      call,
      kanade: (...args) => JSON.parse(call(...args).stdout),
    });
  } finally {
    for (const { pid } of keepersOf(env.AGENT_EXEC_ROOT)) process.kill(pid, 'SIGTERM');
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** One call to its end: ms, output, highest resident memory in bytes. Throws when it fails. */
export function callOf(words, { cwd, env }) {
  const startedMs = performance.now();
  const { exitCode, stdout, resourceUsage } = Bun.spawnSync(words, { cwd, env, stdin: 'ignore', stderr: 'inherit' });
  const tookMs = performance.now() - startedMs;
  if (exitCode !== 0) throw new Error(`${words.join(' ')} exited ${exitCode}: ${stdout}`);
  return { tookMs, stdout: String(stdout), residentBytes: resourceUsage.maxRSS };
}

/** The keeper processes that serve a root. */
export const keepersOf = (jobs) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words.includes('_host') && words.includes(jobs);
      } catch {
        return false;
      }
    })
    .map((pid) => ({ pid: Number(pid) }));
