import { expect, it } from 'vitest';
import { isEnded, JobProgress, RunStatus } from './message.ts';
import { commonProtocol } from './method.ts';

it('a status of a newer peer reads as unknown and never fails the message', () => {
  expect(JobProgress.parse({ run_id: 'r', status: 'paused' })).toEqual({ run_id: 'r', status: 'unknown' });
  expect(RunStatus.safeParse(7).success).toBe(false);
});

it('unknown is not an end', () => {
  expect([isEnded('unknown'), isEnded('running'), isEnded('killed')]).toEqual([false, false, true]);
});

it.each([
  [[1, 2, 3], 1],
  [[2], undefined],
  [[], undefined],
])('commonProtocol(%j) is %j', (offered, version) => {
  expect(commonProtocol(offered)).toBe(version);
});
