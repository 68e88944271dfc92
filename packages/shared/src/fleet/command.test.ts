import { expect, it } from 'vitest';
import { Command, decodeCommand } from './command.ts';

const least = { id: 'j', version: '1', request_id: 'r', shell: 'sh', script: 'true', timeout_secs: 5 };

it('the least command decodes, and unknown fields stay', () => {
  expect(Command.parse({ ...least, later: [1] })).toEqual({ ...least, later: [1] });
});

it('decodeCommand() accepts the name that exec_id had before 0.29', () => {
  expect(decodeCommand({ ...least, job_id: 'e' }).data).toEqual({ ...least, exec_id: 'e' });
  expect(decodeCommand({ ...least, job_id: 'old', exec_id: 'new' }).data?.exec_id).toBe('new');
});

it('a shell that nobody knows is refused, not guessed', () => {
  expect(Command.safeParse({ ...least, shell: 'fish' }).success).toBe(false);
});
