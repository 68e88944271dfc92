import { expect, it } from 'vitest';
import { isJobName, isLegalMove, isTag, isTagFilter, jobStates, matchesTag } from './state.ts';

it.each(['', '.', '..', 'a/b', '/etc', 'a\\b', 'a b', 'a\n', '.host', 'x'.repeat(129)])(
  'isJobName() refuses %j',
  (name) => {
    expect(isJobName(name)).toBe(false);
  },
);

it.each(['old-job-01', '01ARZ3NDEKTSV4RRFFQ69G5FAV', '3f2a'])('isJobName() takes %j', (name) => {
  expect(isJobName(name)).toBe(true);
});

it.each([
  ['a', true, true],
  ['a.b-1', true, true],
  ['a.*', false, true],
  ['', false, false],
  ['a..b', false, false],
  ['*', false, false],
  ['a_b', false, false],
])('tag %j: stored %j, as a filter %j', (text, stored, filter) => {
  expect([isTag(text), isTagFilter(text)]).toEqual([stored, filter]);
});

it('matchesTag() takes the prefix itself and everything below, not its namesakes', () => {
  expect(['build', 'build.web', 'builder'].map((tag) => matchesTag(tag, 'build.*'))).toEqual([true, true, false]);
});

const states = [undefined, ...jobStates];

it('isLegalMove() is the state machine of the job directory', () => {
  const legal = states.flatMap((from) =>
    jobStates.filter((to) => isLegalMove(from, to)).map((to) => [from, to].join()),
  );
  expect(legal).toEqual([
    ',created',
    'created,created',
    'created,running',
    'created,failed',
    'running,created',
    'running,running',
    'running,exited',
    'running,killed',
    'running,failed',
    'exited,created',
    'exited,exited',
    'killed,created',
    'killed,killed',
    'failed,created',
    'failed,failed',
  ]);
});
