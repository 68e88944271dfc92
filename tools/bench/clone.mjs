/** How long a newcomer waits: from a cold clone to green tests, and again in the same clone. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../toolchain.mjs';
import { report } from './report.mjs';

const dir = mkdtempSync(join(tmpdir(), 'kanade-clone-'));

/** Runs a program to its end; returns its last line. Fails when it does. */
function run(file, args, cwd) {
  const { status, stdout } = spawnSync(file, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 * 1024 * 1024,
  });
  const lastLine = stdout.trim().split('\n').at(-1) ?? '';
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} exited ${status}: ${lastLine}`);
  return lastLine;
}

function seconds(work) {
  const startedMs = performance.now();
  const result = work();
  return { took: (performance.now() - startedMs) / 1000, result };
}

try {
  const cold = seconds(() => {
    run('git', ['clone', '-q', root, 'clone'], dir);
    return run('npm', ['test', '--silent'], join(dir, 'clone'));
  });
  const again = seconds(() => run('npm', ['test', '--silent'], join(dir, 'clone')));
  report({
    bench: 'clone',
    unit: 's',
    value: cold.took,
    peer: 'the same command again',
    peerValue: again.took,
    result: cold.result,
  });
} finally {
  rmSync(dir, { recursive: true, force: true });
}
