/** What the benchmarks of the runner share: the built package, a root that goes with all that runs in it, and a look at /proc. */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fail, runTool } from '../../toolchain.mjs';

/** The runtime of this process, as reports name it. */
export const runtime = process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`;

/** A file of the built package. */
const built = (part) => new URL(`../../../packages/runner/dist/${part}.js`, import.meta.url).href;

/** The built package with all of its entries. */
export async function loadRunner() {
  if (
    runTool('nx', ['run', '@kanade/runner:build', '--outputStyle=static'], { stdio: ['ignore', 'ignore', 2] }) !== 0
  ) {
    fail('building @kanade/runner failed: see above');
  }
  return importRunner();
}

/** What is measured by itself, behind the front door too. */
const parts = [
  ...['index', 'life/launch', 'life/settle', 'life/list', 'life/observe', 'life/stop', 'keep/markers', 'keep/prune'],
  ...['record/root', 'record/layout', 'process/spawn', 'process/identity', 'process/tree', 'process/send-signal'],
];

/** The same, without building it first: for programs that a benchmark starts. */
export async function importRunner() {
  const modules = await Promise.all(parts.map((part) => import(built(part))));
  return Object.assign({}, ...modules);
}

/** The words that run a program of this directory. */
export const programWords = (file, ...args) => [
  process.execPath,
  fileURLToPath(new URL(file, import.meta.url)),
  ...args.map(String),
];

/** Gives a jobs root to `work`; afterwards every job in it is stopped and the root is gone. */
export async function withRoot(runner, work) {
  const root = await mkdtemp(join(tmpdir(), 'kanade-bench-'));
  try {
    return await work(root);
  } finally {
    const keeper = runner.liveKeeper(root);
    if (keeper) runner.sendSignal(keeper, 'SIGTERM');
    // It removes files of its own as it leaves, and a removal that meets that leaves the rest behind.
    if (keeper) await until('the keeper has left', () => !runner.isAlive(keeper));
    for (const id of runner.jobNames(root)) {
      const job = runner.jobDir(root, id);
      if (runner.settle(job).status === 'running') await runner.stopJob(job, { by: 'user', graceMs: 0 });
      // With the job goes its control group, also that of one whose launcher was killed too early.
      if (runner.readMeta(job)) runner.deleteJob(job, { dryRun: false });
    }
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Waits until something is true or not undefined; throws after a minute. */
export async function until(what, look, everyMs = 2) {
  const deadlineMs = performance.now() + 60_000;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadlineMs) throw new Error(`waited a minute in vain for: ${what}`);
    await sleep(everyMs);
  }
}

/** Proportional set size of a process in bytes; 0 when it is gone. */
export function pssOf(pid) {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** Time that a process has spent on a processor, in ms. */
export function cpuMsOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Live processes of a session. */
export function sessionOf(leader) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [state, , , session] = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /, '')
          .split(' ');
        return Number(session) === leader && state !== 'Z';
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The value at a share of sorted values, 0.99 = the 99th percentile. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/** A number given as `--name N`, else the default. */
export function numberOption(name, fallback) {
  const at = process.argv.indexOf(`--${name}`);
  const value = at < 0 ? fallback : Number(process.argv[at + 1]);
  return Number.isSafeInteger(value) && value > 0 ? value : fail(`--${name} needs a whole number above 0`, 2);
}

export const rounded = (value) => Math.round(value * 1000) / 1000;
