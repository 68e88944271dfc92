import { expect, it } from 'vitest';
import { isJobName, isTag, isTagFilter, jobErrors, matchesTag, wholeSecond } from './words.ts';

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

it('wholeSecond() cuts to whole seconds in UTC', () => {
  expect(wholeSecond(Date.parse('2026-11-21T08:00:00.999Z'))).toBe('2026-11-21T08:00:00Z');
});

it('jobErrors has the exit codes and the statuses of the contract, and those of ours', () => {
  const rows = Object.entries(jobErrors).map(([code, facts]) => {
    const { exit, http } = facts as { exit?: number; http?: number };
    return `${code} ${exit ?? '-'}/${http ?? '-'}`;
  });
  expect(rows).toEqual([
    'job_not_found 1/404',
    'ambiguous_job_id 1/400',
    'invalid_state 1/400',
    'invalid_cursor 1/400',
    'invalid_pattern 1/400',
    'invalid_tag 1/400',
    'config_error 1/-',
    'stdin_required 1/-',
    'stdin_too_large 1/413',
    'launch_failed 1/500',
    'io_error 1/500',
    'root_full 1/507',
    'invalid_input 1/400',
    'internal_error 1/500',
    'serve_unsafe_bind 1/-',
    'invalid_config 1/-',
    'token_unusable 1/-',
    'listen_failed 1/-',
    'invalid_request -/400',
    'unauthorized -/401',
    'forbidden -/403',
    'unknown_route -/404',
    'method_not_allowed -/405',
    'body_too_large -/413',
    'wrong_content_type -/415',
    'range_not_satisfiable -/416',
    'busy -/503',
    'interrupted 1/503',
  ]);
});
