import { expect, it } from 'vitest';
import { unsupportedOn } from './os-support.ts';
import { retryOf, Schedule } from './schedule.ts';
import { strictSchedule } from './strict-schedule.ts';

const schedule = { id: 's', job_id: 'j', when: { per_pc: 'once' } } as const;

it('strictSchedule() looks the job up when it can', () => {
  expect(strictSchedule(schedule, { isKnownJob: (id) => id === 'j' })).toEqual({ ok: true, schedule });
  expect(strictSchedule(schedule, { isKnownJob: () => false })).toEqual({
    ok: false,
    faults: [{ path: 'job_id', message: 'no such job: j' }],
  });
});

it.each([
  ['2026-05-01', '2026-05-02', 'local', true],
  ['2026-05-01', '2026-05-01', 'local', false],
  ['2026-05-01T10:00:00+09:00', '2026-05-01T01:00:00Z', 'local', false],
  ['2026-05-02', '2026-05-01T22:00:00Z', 'utc', false],
  ['2026-05-02', '2026-05-01T22:00:00Z', 'local', true],
])('active from %s until %s in %s: %s', (from, until, tz, good) => {
  expect(strictSchedule({ ...schedule, tz, active: { from, until } }).ok).toBe(good);
});

it('unsupportedOn() names what only Windows can evaluate', () => {
  const asked = Schedule.parse({
    ...schedule,
    when: { on: ['startup', 'unlock'] },
    constraints: { require: { idle: '5m', cpu_below: 50, network: false } },
  });
  expect(unsupportedOn('linux', asked)).toEqual(['constraints.require.idle', 'when.on.unlock']);
  expect(unsupportedOn('windows', asked)).toEqual([]);
});

it('retryOf() lowers to whole seconds', () => {
  expect(retryOf({ on_failure: { retry: { max: 2, backoff: '1500ms' } } })).toEqual({ max: 2, backoff_secs: 2 });
  expect(retryOf({})).toBeUndefined();
});
