import { expect, it } from 'vitest';
import { bodyFault, Command, createCommandReader, readCommand, timeoutSeconds } from './command.ts';

const least = { id: 'j', version: '1', request_id: 'r', shell: 'sh', script: 'true', timeout_secs: 5 };

it('the least command decodes, and unknown fields stay', () => {
  expect(Command.parse({ ...least, later: [1] })).toEqual({ ...least, later: [1] });
});

it.each([
  ['readCommand()', readCommand],
  ['a compiled reader', createCommandReader()],
])('%s accepts the name that exec_id had before 0.29', (_, read) => {
  expect(read({ ...least, job_id: 'e' })).toEqual({ ok: true, value: { ...least, exec_id: 'e' } });
  expect(read({ ...least, job_id: 'old', exec_id: 'new' })).toMatchObject({ value: { exec_id: 'new' } });
  expect(read({ ...least, id: '' })).toEqual({ ok: false, faults: [{ path: 'id', message: 'must not be empty' }] });
});

it('a shell that nobody knows is refused, not guessed', () => {
  expect(Command.safeParse({ ...least, shell: 'fish' }).success).toBe(false);
});

const sha = 'a'.repeat(64);
it.each([
  [{}, undefined],
  [{ script: '', script_object: 'a/1', script_object_sha256: sha }, undefined],
  [{ script_object: 'a/1', script_object_sha256: sha }, 'script and script_object exclude each other: both given'],
  [{ script: '', script_object: 'a b/1', script_object_sha256: sha }, 'script_object must be NAME/VERSION: "a b/1"'],
  [{ script: '', script_object: 'a/1' }, 'script_object needs script_object_sha256: none given'],
  [
    { script: '', script_object: 'a/1', script_object_sha256: 'a' },
    'script_object_sha256 must be 64 hexadecimal digits',
  ],
])('bodyFault(%j)', (change, fault) => {
  expect(bodyFault(Command.parse({ ...least, ...change }))).toBe(fault);
});

it('timeoutSeconds() is at least 1', () => {
  expect([0, 1, 60].map((timeout_secs) => timeoutSeconds({ timeout_secs }))).toEqual([1, 1, 60]);
});
