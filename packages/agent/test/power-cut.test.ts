import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

const seed = 20_261_127;
const cuts = 40;

/** The model needs ptrace, which is Linux's; what it models is SQLite's file format, which is everybody's. */
const runtimes = process.platform === 'linux' ? (['node', 'bun'] as const) : [];

it.each(runtimes)('a power cut takes no order that was admitted, no ending and no result (%s)', async (runtime) => {
  await using dir = await tempDir();
  const [command, ...flags] = runtimeWords('node');
  const program = join(import.meta.dirname, 'programs/power-cut.ts');
  const { stdout, stderr } = spawnSync(command, [...flags, program, runtime, dir.path, String(cuts), String(seed)], {
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  const result = JSON.parse(stdout);
  expect(result, `seed ${seed}`).toMatchObject({ cuts, wrong: [], salvaged: [] });
  // The cuts fell into work of every kind.
  for (const count of [result.admitted, result.ended, result.delivered]) expect(count).toBeGreaterThan(5);
  expect(result.syncs).toBeGreaterThan(cuts);
});
