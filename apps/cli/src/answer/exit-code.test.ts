import { expect, it } from 'vitest';
import { exitCodeOf } from './exit-code.ts';

const results = (...codes: number[]) => ({ results: codes.map((exit_code) => ({ exit_code })) });

it.each([
  ['exited 0', { state: 'exited', exit_code: 0, ending: 'exited' }, 0],
  ['exited 3', { state: 'exited', exit_code: 3, ending: 'exited' }, 3],
  ['a signal', { state: 'killed', signal_number: 9, ending: 'signaled' }, 137],
  ['killed by a person, with a code of its own', { state: 'killed', exit_code: 143, ending: 'killed' }, 143],
  ['a timeout', { state: 'killed', signal_number: 15, ending: 'timed_out' }, 124],
  ['a timeout, with a code of its own', { state: 'exited', exit_code: 0, ending: 'timed_out' }, 124],
  ['not started', { state: 'failed', ending: 'not_started' }, 125],
  ['lost', { state: 'failed', ending: 'lost' }, 125],
  ['still running', { state: 'running' }, 125],
  ['one machine', results(7), 7],
  ['one machine, killed', results(-1), 1],
  ['all well', results(0, 0), 0],
  ['one of two failed', results(0, 7), 1],
  ['all well, one missing', { ...results(0, 0), missing: [{ pc_id: 'c' }] }, 3],
  ['one well, one missing', { ...results(0), missing: [{ pc_id: 'c' }] }, 3],
  ['one failed, one missing', { ...results(7), missing: [{ pc_id: 'c' }] }, 1],
  ['nobody answered', { ok: false, error: { code: 'no_result' } }, 3],
  ['another error', { ok: false, error: { code: 'job_revoked' } }, 1],
  ['a line that matched', { state: 'running', matched: { line: 'x' } }, 0],
  ['a line that matched before its job failed', { state: 'exited', exit_code: 7, matched: { line: 'x' } }, 0],
  ['an end without the line', { state: 'exited', exit_code: 0, matched: null }, 3],
  ['a line that did not come in time', { state: 'running', matched: null }, 124],
  ['an order that is not waited for', { exec_id: 'x' }, 0],
])('exit code of %s', (_, answer, code) => {
  expect(exitCodeOf({ ok: true, ...answer })).toBe(code);
});
