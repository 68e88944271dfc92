import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ageBetween, bootId, identify, isAlive, parseProcStat, processesSince, withLater } from './identity.ts';

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

it('an age is never too much, whatever is left out of starts that are told to the tick', () => {
  // Started 1 ms before and 1 ms after a tick, 2 ms apart: told as a tick apart.
  expect(ageBetween({ own: 101, ownAgeMs: 500, start: 100 })).toBeLessThanOrEqual(502);
  expect(ageBetween({ own: 101, ownAgeMs: 500, start: 100 })).toBeGreaterThan(480);
  expect(ageBetween({ own: Number.NaN, ownAgeMs: 500, start: 100 })).toBeUndefined();
});

it('withLater() has each pid once, as it was told later', () => {
  const entry = (pid: number, start: string) => ({ pid, parent: 1, group: pid, session: pid, start, zombie: false });
  const earlier = [entry(1, '0'), entry(7, '70'), entry(8, '80')];
  expect(withLater(earlier, [])).toBe(earlier);
  expect(withLater(earlier, [entry(8, '95'), entry(9, '90')])).toEqual([
    entry(1, '0'),
    entry(7, '70'),
    entry(8, '95'),
    entry(9, '90'),
  ]);
});

it.runIf(process.platform === 'linux')('a listing that serves many trees has who came since it was made', () => {
  const old = identify(1);
  if (!old) throw new Error('the first process must have an identity');
  processesSince(old);
  const child = spawn('sleep', ['60']);
  try {
    expect(processesSince(old).filter(({ pid }) => pid === child.pid)).toHaveLength(1);
  } finally {
    child.kill('SIGKILL');
  }
});
