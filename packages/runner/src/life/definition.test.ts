import { expect, it } from 'vitest';
import { argvOf, environmentOf, maskedPairs, parseEnvFile, storedOf } from './definition.ts';

it.each([
  ['one word is a shell string', ['echo $HOME'], ['sh', '-lc'], ['sh', '-lc', 'echo $HOME']],
  ['several words replace the shell', ['echo', 'a b'], ['sh', '-lc'], ['sh', '-lc', 'exec "$@"', '--', 'echo', 'a b']],
  ['no wrapper', ['sh', '-c', 'x'], [], ['sh', '-c', 'x']],
])('argvOf(): %s', (_name, command, shell_wrapper, argv) => {
  expect(argvOf({ command, shell_wrapper })).toEqual(argv);
});

it('environmentOf() layers launcher, pairs, and drops what steers our own runtime', () => {
  const meta = { inherit_env: true, env_vars_runtime: ['A=2', 'B=x=y', 'EMPTY'] };
  expect(environmentOf(meta, { A: '1', C: '3', BUN_OPTIONS: 'x', BUN_BE_BUN: '1' })).toEqual({
    A: '2',
    B: 'x=y',
    C: '3',
    EMPTY: '',
  });
  expect(environmentOf({ ...meta, inherit_env: false }, { C: '3' })).toEqual({ A: '2', B: 'x=y', EMPTY: '' });
});

it('environmentOf() names the env file that it cannot read', () => {
  expect(() => environmentOf({ inherit_env: true, env_files: ['missing.env'], cwd: '/nowhere' }, {})).toThrow(
    'could not read env file /nowhere/missing.env',
  );
});

it('parseEnvFile() trims, skips comments and keeps later equals signs', () => {
  expect(parseEnvFile('\n# no\n  A=1 \nB=x=y\nC\n')).toEqual([
    ['A', '1'],
    ['B', 'x=y'],
    ['C', ''],
  ]);
});

it('maskedPairs() hides values of masked keys only', () => {
  expect(maskedPairs(['TOKEN=abc', 'MODE=fast'], ['TOKEN'])).toEqual(['TOKEN=***', 'MODE=fast']);
});

it('storedOf() writes a variable without a value as one that is empty', () => {
  const { meta, hidden } = storedOf({ command: ['true'], cwd: '/', env: ['A', 'B=', 'M'], mask: ['M'] }, 'id', '/', 0);
  expect([meta.env_vars_runtime, meta.env_vars, hidden]).toEqual([['A=', 'B='], ['A=', 'B=', 'M=***'], ['M=']]);
});

it('storedOf() leaves out what is empty', () => {
  const { meta } = storedOf({ command: ['true'], cwd: '/' }, 'id', '/root', 0);
  expect(Object.keys(meta)).toEqual([
    'job',
    'schema_version',
    'command',
    'created_at',
    'root',
    'env_keys',
    'cwd',
    'tags',
    'inherit_env',
    'timeout_ms',
    'kill_after_ms',
    'progress_every_ms',
    'shell_wrapper',
  ]);
});
