import { fileURLToPath } from 'node:url';
import { runReadmeExample } from '@kanade/testkit';
import { expect, it } from 'vitest';

it('the example of the README prints what it promises', async () => {
  const { printed, promised } = await runReadmeExample(fileURLToPath(new URL('..', import.meta.url)));
  expect(printed).toBe(promised);
});
