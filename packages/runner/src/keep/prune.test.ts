import { expect, it } from 'vitest';
import { choosePrunable } from './prune.ts';

const day = 86_400_000;
const pool = [1, 2, 3, 40, 50].map((age) => ({ id: `${age}d`, endedAtMs: 100 * day - age * day, bytes: 10 }));
const nowMs = 100 * day;
const ids = (limits: { olderThanMs: number; maxJobs?: number; maxBytes?: number }): string[] =>
  choosePrunable(pool, { ...limits, nowMs }).map(({ id }) => id);

it.each([
  ['by age', { olderThanMs: 30 * day }, ['50d', '40d']],
  ['the newest of the aged stay', { olderThanMs: 0, maxJobs: 2 }, ['50d', '40d', '3d']],
  ['fewer than are allowed: age alone decides', { olderThanMs: 30 * day, maxJobs: 9 }, ['50d', '40d']],
  ['by size, oldest first', { olderThanMs: 0, maxJobs: 4, maxBytes: 30 }, ['50d', '40d']],
  ['young jobs stay whatever the size', { olderThanMs: 30 * day, maxBytes: 0 }, ['50d', '40d']],
  ['exactly at the cutoff stays', { olderThanMs: 40 * day }, ['50d']],
])('choosePrunable(): %s', (_name, limits, expected) => {
  expect(ids(limits)).toEqual(expected);
});
