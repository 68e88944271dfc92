import { describe, expect, it } from 'vitest';
import { isLate } from './read-held.ts';

const follower = (name: string, more: object = {}) => ({ name, current: true, active: 1, ...more });
const copies = (...replicas: ReturnType<typeof follower>[]) => ({ cluster: { name: 'house', leader: 'a', replicas } });
const on = (leader: string) => ({ cluster: { name: 'house', leader } });

describe('isLate()', () => {
  it.each([
    ['one server', undefined, {}, false],
    ['the leader', copies(follower('b')), on('a'), false],
    ['one that has everything', copies(follower('b'), follower('c')), on('b'), false],
    ['one that is not current', copies(follower('b', { current: false })), on('b'), true],
    ['one that lags', copies(follower('b', { lag: 3 })), on('b'), true],
    ['one that nobody knows', copies(follower('c')), on('b'), true],
  ] as const)('%s', (_, known, consumer, late) => {
    expect(isLate(known as Parameters<typeof isLate>[0], consumer as Parameters<typeof isLate>[1])).toBe(late);
  });
});
