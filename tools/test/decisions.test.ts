import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../toolchain.mjs';

it('decisions are numbered without a gap or a twin, and begin with their number and title', () => {
  const files = globSync('docs/adr/*.md', { cwd: root }).sort();
  const numbers = files.map((file) => Number(basename(file).slice(0, 4)));
  expect(numbers).toEqual(files.map((_, at) => at + 1));
  for (const [at, file] of files.entries()) {
    expect(readFileSync(join(root, file), 'utf8').split('\n')[0], file).toMatch(new RegExp(`^# ${at + 1}\\. \\S`));
  }
});
