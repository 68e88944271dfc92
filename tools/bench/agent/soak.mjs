/**
 * What an agent holds over hours of a bit of everything, as `trust/soak` gives it: orders that succeed, fail, print much, are tried again, time
 * out and are stopped, people who come and go, a broker that is killed. Every figure at rest between two rounds; after each round the test
 * itself asserts that descriptors, files and processes are what they were. `--hours H` (default 0.1).
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../../toolchain.mjs';
import { median, report } from '../report.mjs';
import { numberOption } from '../runner/setup.mjs';

const hours = numberOption('hours', 0.1);
const directory = mkdtempSync(join(tmpdir(), 'kanade-bench-'));
try {
  const file = join(directory, 'figures');
  execFileSync(join(root, 'node_modules/.bin/vitest'), ['run', '--project', 'executable', 'test/trust/soak.test.ts'], {
    cwd: join(root, 'apps/kanade'),
    env: { ...process.env, KANADE_FIGURES: file, KANADE_SOAK_HOURS: String(hours) },
    stdio: ['ignore', 2, 2],
  });
  const seen = JSON.parse(readFileSync(file, 'utf8'));
  const tenth = Math.max(1, Math.floor(seen.length / 10));
  // The first tenth still fills what has a bound: caches, the heap of the runtime.
  const early = seen.slice(tenth, 2 * tenth);
  const late = seen.slice(-tenth);
  const both = (name) => [early, late].map((part) => Math.round(median(part.map((one) => one[name])) * 10) / 10);
  const { runs, filesOfRuns } = seen.at(-1);
  report({
    bench: 'agent:soak',
    unit: 'MB resident at rest, last tenth of the time',
    value: both('residentMb')[1],
    peer: 'second tenth',
    peerValue: both('residentMb')[0],
    anonymous: both('anonymousMb'),
    fds: both('fds'),
    watches: both('watches'),
    threads: both('threads'),
    files: both('files'),
    database: both('databaseMb'),
    filesPerRun: Math.round((filesOfRuns / runs) * 10) / 10,
    runs,
    rounds: seen.length,
    hours,
    runtime: 'executable',
  });
} finally {
  rmSync(directory, { recursive: true, force: true });
}
