import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runtimeWords } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

const seed = 20_260_909;
const cuts = 40;

/** The model needs ptrace, which is Linux's; what it models is SQLite's file format, which is everybody's. */
const runtimes = process.platform === 'linux' ? (['node', 'bun'] as const) : [];

it.each(runtimes)('a power cut takes nothing that was acknowledged (%s)', { timeout: 120_000 }, (runtime) => {
  const program = join(import.meta.dirname, 'programs/power-cut.ts');
  const [command, ...flags] = runtimeWords('node');
  const args = [...flags, program, runtime, tempDir(), String(cuts), String(seed)];
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect(stderr).toBe('');
  const result = JSON.parse(stdout);
  expect(result, `seed ${seed}`).toMatchObject({ cuts, lost: [], unknown: [], salvaged: 0 });
  expect(result.acknowledged).toBeGreaterThan(100);
  expect(result.syncs).toBeGreaterThan(cuts);
});
