import { expect, it, onTestFinished, vi } from 'vitest';
import type { JobError } from '../job-error.ts';
import { createLineTest } from './match.ts';

const config = { pattern: 'a.c', match_type: 'contains', stream: 'either' } as const;
const regex = { ...config, match_type: 'regex' } as const;

it.each([
  ['contains, literally', config, 'xa.cx', true],
  ['contains is no expression', config, 'abc', false],
  ['contains minds the case', config, 'A.C', false],
  ['regex, anywhere', regex, 'xabcx', true],
  ['regex with an anchor', { ...regex, pattern: '^abc$' }, 'xabc', false],
  ['regex in a long line', { ...regex, pattern: 'a.c$' }, `${'😀'.repeat(5_000)}abc`, true],
  ['regex not in a long line', { ...regex, pattern: '^a.c' }, `${'x'.repeat(5_000)}abc`, false],
  ['another stream', { ...config, stream: 'stderr' }, 'a.c', false],
] as const)('createLineTest(): %s', async (_name, match, line, expected) => {
  expect(await createLineTest(match).matches('stdout', line)).toBe(expected);
});

it('refuses an expression that is none', () => {
  expect(() => createLineTest({ ...regex, pattern: '(' })).toThrow(
    expect.objectContaining({ code: 'invalid_pattern' } satisfies Partial<JobError>),
  );
});

it('gives others their turn while a line is long and its pattern dear', async () => {
  let [nowMs, turns, isOver] = [0, 0, false];
  vi.spyOn(performance, 'now').mockImplementation(() => {
    nowMs += 6;
    return nowMs;
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  expect(await createLineTest(regex).matches('stdout', 'x'.repeat(50_000))).toBe(false);
  isOver = true;
  expect(turns).toBeGreaterThan(20);
});
