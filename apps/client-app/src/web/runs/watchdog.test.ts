import type { UserInvokableJob } from '@kanade/shared/local';
import { expect, it } from 'vitest';
import { foldRuns, type RunView } from '../../run/runs.ts';
import { overdueAtMs } from './watchdog.ts';

const at = '2026-03-01T10:00:00.000Z';
const job: UserInvokableJob = { id: 'j', display_name: 'J', category: 'c', version: '1', timeout_secs: 30 };
const run = (status: RunView['status']): RunView => {
  const [folded] = foldRuns([], { type: 'progress', at, progress: { run_id: 'r', status } });
  if (!folded) throw new Error('no run');
  return folded;
};

it.each([
  ['a run with a limit', run('running'), job, 90_000],
  ['a run whose limit nobody said', run('running'), undefined, 900_000],
  ['a run that waits', run('queued'), job, undefined],
  ['a run that has ended', run('completed'), job, undefined],
])('overdueAtMs() of %s', (_name, one, of, afterMs) => {
  expect(overdueAtMs(one, of)).toBe(afterMs === undefined ? undefined : Date.parse(at) + afterMs);
});

it('overdueAtMs() without a limit counts from what was last heard', () => {
  const [later] = foldRuns([run('running')], {
    type: 'progress',
    at: '2026-03-01T11:00:00.000Z',
    progress: { run_id: 'r', status: 'running' },
  });
  expect(later && overdueAtMs(later, undefined)).toBe(Date.parse('2026-03-01T11:15:00.000Z'));
});
