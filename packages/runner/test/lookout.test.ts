import { type Runtime, runtimeWords, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startProgram } from './program.ts';

it.each<Runtime>(['node', 'bun'])('on %s what is written right after what was told is told, too', async (runtime) => {
  await using dir = await tempDir();
  const { output } = startProgram('watch-twice', [dir.path, '300'], [], runtimeWords(runtime));
  expect(await output).toBe('300');
});
