import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { bootId, identify, isAlive, parseProcStat } from './identity.ts';

it('parseProcStat() survives blanks and parentheses in the name', () => {
  const tail = '1 77 78 0 -1 4194560 1 2 3 4 5 6 7 8 9 10 11 12 4242 99';
  expect(parseProcStat(`55 (a) b (c) S ${tail}`)).toEqual({
    pid: 55,
    parent: 1,
    group: 77,
    session: 78,
    start: '4242',
    zombie: false,
  });
  expect(parseProcStat(`55 (x) Z ${tail}`)?.zombie).toBe(true);
  expect(parseProcStat('nonsense')).toBeUndefined();
});

it('isAlive() wants pid, start and boot to match', () => {
  const own = identify(process.pid);
  if (!own) throw new Error('this process must have an identity');
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, start: '1' })).toBe(false);
  expect(isAlive({ ...own, boot: `${bootId()}x` })).toBe(false);
});

it.runIf(process.platform === 'linux')(
  'a thread is no process, though its number can be read and signalled like one',
  () => {
    const threads = readdirSync('/proc/self/task')
      .map(Number)
      .filter((id) => id !== process.pid);
    expect(threads.length).toBeGreaterThan(0);
    expect(threads.filter((id) => identify(id))).toEqual([]);
    expect(identify(process.pid)?.pid).toBe(process.pid);
  },
);
