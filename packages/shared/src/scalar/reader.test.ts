import { expect, it } from 'vitest';
import { JobProgress } from '../local/message.ts';
import { createReader } from './reader.ts';
import { readAs } from './strict.ts';

const read = createReader(JobProgress);

it.each([
  [{ run_id: 'r', status: 'running', later: { a: [1] } }],
  [{ run_id: 'r', status: 'paused', exit_code: 0 }],
  [{ run_id: 7, status: 'running', started_at: 'noon' }],
  [{}],
  [null],
  ['text'],
])('createReader() reads %j as readAs() does', (value) => {
  expect(read(value)).toEqual(readAs(JobProgress, value));
});
