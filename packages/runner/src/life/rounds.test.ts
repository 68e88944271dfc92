import { afterEach, expect, it, vi } from 'vitest';
import { createRounds } from './rounds.ts';

afterEach(() => void vi.useRealTimers());

/** How often each of `count` looks is made within some seconds. */
function turns(count: number, seconds: number): number[] {
  vi.useFakeTimers();
  const rounds = createRounds();
  const seen = Array.from({ length: count }, () => 0);
  const removes = seen.map((_, index) =>
    rounds.add(() => {
      seen[index] = (seen[index] ?? 0) + 1;
    }),
  );
  vi.advanceTimersByTime(seconds * 1000);
  for (const remove of removes) remove();
  expect(vi.getTimerCount()).toBe(0);
  return seen;
}

it('gives a few looks a turn each second', () => {
  expect(turns(3, 30).every((count) => count >= 29 && count <= 31)).toBe(true);
});

it('gives many looks their turns more rarely, and each the same number', () => {
  const seen = turns(4_000, 100);
  expect(Math.max(...seen) - Math.min(...seen)).toBeLessThanOrEqual(1);
  expect(seen.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(40_000);
  expect(Math.min(...seen)).toBeGreaterThanOrEqual(9);
});

it('leaves out a look that has been removed, also during its round', () => {
  vi.useFakeTimers();
  const rounds = createRounds();
  const seen: string[] = [];
  const removes: (() => void)[] = [];
  const removeA = rounds.add(() => {
    seen.push('a');
    for (const remove of removes) remove();
  });
  removes.push(rounds.add(() => void seen.push('b')));
  vi.advanceTimersByTime(3_000);
  removeA();
  expect([seen[0], seen.includes('b')]).toEqual(['a', false]);
});

it('makes a look that something else stands in for ten times as rarely, and as often as before when that is over', () => {
  vi.useFakeTimers();
  const rounds = createRounds();
  let isWatched = true;
  let seen = 0;
  const remove = rounds.add(
    () => seen++,
    () => isWatched,
  );
  vi.advanceTimersByTime(101_000);
  expect(seen).toBeGreaterThanOrEqual(10);
  expect(seen).toBeLessThanOrEqual(12);
  isWatched = false;
  vi.advanceTimersByTime(20_000);
  const before = seen;
  vi.advanceTimersByTime(10_000);
  expect(seen - before).toBeGreaterThanOrEqual(9);
  remove();
  expect(vi.getTimerCount()).toBe(0);
});
