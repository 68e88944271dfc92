/** How checks came out, in the agent's own file. */
import { join } from 'node:path';
import { tempDir } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { limits } from '../src/limits.ts';
import { openCheckResults } from '../src/store/check-results.ts';
import { openStateFile } from '../src/store/state-file.ts';

const outcome = (name: string, status: 'ok' | 'fail', atMs = 1_000) => ({
  hint: { name },
  verdict: { status },
  jobId: 'job',
  atMs,
});

async function openResults() {
  const dir = await tempDir();
  const open = () => openStateFile(join(dir.path, 'agent.db'));
  let file = open();
  onTestFinished(async () => {
    await file[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  });
  return {
    results: openCheckResults(file),
    async again() {
      await file[Symbol.asyncDispose]();
      file = open();
      return openCheckResults(file);
    },
  };
}

it('keeps the newest of each check, tells of changes only, and knows it when it is opened again', async () => {
  const { results, again } = await openResults();
  let told = 0;
  results.watch(() => told++);
  results.put(outcome('b', 'ok'));
  results.put(outcome('a', 'fail', 2_000));
  expect(told).toBe(2);
  results.put(outcome('b', 'ok', 3_000)); // the same once more
  results.put(outcome('a', 'ok', 1_999)); // a run that ended before
  expect(told).toBe(2);
  const list = [
    { name: 'a', status: 'fail' },
    { name: 'b', status: 'ok' },
  ];
  expect(results.list()).toEqual(list);
  expect([results.statusOf('a'), results.statusOf('c')]).toEqual(['fail', undefined]);
  expect((await again()).list()).toEqual(list);
});

it('has room for so many, and takes new results of those all the same', async () => {
  const { results } = await openResults();
  for (let nth = 0; nth < limits.checksMax; nth++) expect(results.put(outcome(`c${nth}`, 'ok'))).toBe(true);
  expect(results.put(outcome('more', 'ok'))).toBe(false);
  expect(results.put(outcome('c0', 'fail'))).toBe(true);
  expect(results.put(outcome('x'.repeat(limits.checkNameCharsMax + 1), 'ok'))).toBe(false);
  expect(results.statusOf('c0')).toBe('fail');
});

it('forgets a check that no job has had for a day; one that comes back, or runs, begins anew', async () => {
  const { results, again } = await openResults();
  for (const name of ['gone', 'back', 'runs', 'named']) results.put(outcome(name, 'ok'));
  const hours = (count: number): number => 1_000_000 + count * 3_600_000;
  const onlyNamed = (name: string): boolean => name === 'named';
  results.forgetGone(onlyNamed, hours(0));
  results.forgetGone((name) => onlyNamed(name) || name === 'back', hours(23));
  results.put(outcome('runs', 'ok', hours(23)));
  const later = await again();
  later.forgetGone(onlyNamed, hours(24));
  expect(later.list().map(({ name }) => name)).toEqual(['back', 'named', 'runs']);
  later.forgetGone(onlyNamed, hours(48));
  expect(later.list().map(({ name }) => name)).toEqual(['named']);
});
