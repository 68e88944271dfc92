import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { othersGone } from '../release/clone.mjs';

it('othersGone() waits for what a killed release left at work in its clone, and for nothing beside it', async () => {
  await using dir = await tempDir();
  for (const name of ['.work', '.work-of-another']) mkdirSync(join(dir.path, name));
  const program = (name: string) => spawn('cat', { cwd: join(dir.path, name), stdio: ['pipe', 'ignore', 'inherit'] });
  const [compiler, other] = [program('.work'), program('.work-of-another')];
  await Promise.all([once(compiler, 'spawn'), once(other, 'spawn')]);
  const said: string[] = [];
  let isGone = false;
  const waiting = othersGone(join(dir.path, '.work'), (text: string) => said.push(text)).then(() => {
    isGone = true;
  });
  await eventually('it says whom it waits for', () => said.length > 0);
  expect([said, isGone]).toEqual([[expect.stringMatching(new RegExp(`left at work: ${compiler.pid}$`))], false]);
  compiler.stdin?.end();
  await waiting;
  expect(other.exitCode).toBeNull();
  other.stdin?.end();
});
