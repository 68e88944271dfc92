import { join } from 'node:path';
import { runReadmeExample } from '@kanade/testkit';
import { expect, it } from 'vitest';

it.each(['node', 'bun'] as const)('the example prints on %s what the README says', async (runtime) => {
  const { printed, promised } = await runReadmeExample(join(import.meta.dirname, '..'), { runtime });
  // Bun lays objects out over lines.
  expect(printed.match(/[\w.-]+/g)).toEqual(promised.match(/[\w.-]+/g));
});
