import { expect, it } from 'vitest';
import { busiestOf } from './process-load.ts';

const one = (pid: number, more: { ticks?: number; begin?: number; residentPages?: number; atMs?: number } = {}) => ({
  pid,
  name: `p${pid}`,
  ticks: 0,
  begin: 1,
  residentPages: 1,
  atMs: 2_000,
  ...more,
});
const before = (...processes: ReturnType<typeof one>[]) => ({
  processes: new Map(processes.map((process) => [process.pid, process])),
  beganMs: 1_000,
});
const given = { countMax: 2, pageBytes: 4096 };

it('busiestOf() one look are those that hold most memory, without a share of the processor', () => {
  expect(busiestOf([one(1), one(2, { residentPages: 9 }), one(3, { residentPages: 5 })], undefined, given)).toEqual([
    { pid: 2, name: 'p2', mem_bytes: 36_864 },
    { pid: 3, name: 'p3', mem_bytes: 20_480 },
  ]);
});

it('busiestOf() two looks are those that worked most between them, in percent of one core', () => {
  const last = before(one(1, { ticks: 1_000, atMs: 1_000 }), one(2, { ticks: 10, atMs: 1_500 }));
  const now = [one(1, { ticks: 1_050 }), one(2, { ticks: 110 }), one(3)];
  expect(busiestOf(now, last, given).map(({ pid, cpu_pct }) => [pid, cpu_pct])).toEqual([
    [2, 200],
    [1, 50],
  ]);
});

it('busiestOf() takes a number that came round for a new process, and a counter that went back for rest', () => {
  const last = before(one(1, { ticks: 900, begin: 1, atMs: 1_000 }), one(2, { ticks: 900, atMs: 1_000 }));
  const now = [one(1, { ticks: 10, begin: 77 }), one(2, { ticks: 5 })];
  expect(busiestOf(now, last, given).map(({ pid, cpu_pct }) => [pid, cpu_pct])).toEqual([
    [1, 10],
    [2, 0],
  ]);
});
