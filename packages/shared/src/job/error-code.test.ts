import { expect, it } from 'vitest';
import { jobErrors } from './error-code.ts';

it('jobErrors has the exit codes and the statuses of the contract, and root_full of ours', () => {
  const rows = Object.entries(jobErrors).map(([code, facts]) => {
    const { exit, http } = facts as { exit?: number; http?: number };
    return `${code} ${exit ?? '-'}/${http ?? '-'}`;
  });
  expect(rows).toEqual([
    'job_not_found 1/404',
    'ambiguous_job_id 1/400',
    'invalid_state 1/400',
    'invalid_tag 1/-',
    'config_error 1/-',
    'stdin_required 1/-',
    'stdin_too_large 1/-',
    'launch_failed 1/500',
    'io_error 1/-',
    'root_full 1/507',
    'invalid_input 1/-',
    'internal_error 1/500',
    'serve_unsafe_bind 1/-',
    'invalid_config 1/-',
    'invalid_request -/400',
    'unauthorized -/401',
  ]);
});
