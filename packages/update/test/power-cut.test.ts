import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

const seed = 20_261_127;
const cuts = 15;

/** The model needs ptrace, which is Linux's. */
it.each(process.platform === 'linux' ? [cuts] : [])(
  'a power cut leaves a whole program, and what was remembered',
  async () => {
    await using root = await tempDir();
    const [command, ...flags] = runtimeWords('node');
    const program = join(import.meta.dirname, 'programs/power-cut.ts');
    const { stdout, stderr } = spawnSync(command, [...flags, program, root.path, String(cuts), String(seed)], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(JSON.parse(stdout), `seed ${seed}`).toMatchObject({ cuts, broken: [], forgotten: [], stuck: [] });
  },
);
