import { expect, it } from 'vitest';
import { isErrorLine } from './error-line.ts';

/** Rule that is the narrowest to say that a line is an error; a line without one is none by any. */
const table: Record<string, readonly string[]> = {
  prefix: [
    'error: pathspec x did not match',
    'error[E0308]: mismatched types',
    '  error: ‘x’ undeclared',
    'FATAL ERROR: Reached heap limit',
    'fatal: not a git repository',
    'CONFLICT (content): Merge conflict in a.txt',
    ' ! [rejected]        main -> main (fetch first)',
    'remote: error: GH006: Protected branch update failed',
    'npm ERR! code ELIFECYCLE',
    'npm error code ETARGET',
    'ERR_PNPM_NO_SCRIPT  Missing script: x',
    'E: Unable to locate package x',
    "ls: cannot access 'x': No such file or directory",
    'find: ‘/x’: Permission denied',
    'curl: (7) Failed to connect to 127.0.0.1 port 1',
    'sh: 1: nosuchcommand: not found',
    'Traceback (most recent call last):',
    'java.lang.IllegalStateException: cannot load x1',
    'ValueError: bad input: é',
    'KeyError',
  ],
  log: [
    '2026-05-01T10:00:00Z ERROR could not write',
    '[4711] 2026/05/01 10:00:00 [ERR] parse',
    'time=x level=error msg="y"',
    '{"time":"x","level":"error","msg":"y"}',
    '{"level":50,"msg":"y"}',
    '{"Action":"fail","Test":"x"}',
    'CRITICAL worker: giving up',
  ],
  message: [
    'parse.c:7:13: error: expected ‘;’ before ‘}’ token',
    "thread 'main' panicked at src/main.rs:1:1:",
    "link.c:(.text+0x5): undefined reference to `connect_all'",
    'Segmentation fault (core dumped)',
    '--- FAIL: TestGet (0.00s)',
    'not ok 26 - multiplies',
    '  ✖ multiplies (1.2ms)',
    '  × Missing script: deploy',
    'E   AssertionError: total is wrong',
    'E       assert 6 == 7',
    'test t7 ... FAILED',
    'Uncaught TypeError: x is not a function',
    '✖ 18 problems (14 errors, 4 warnings)',
    'BUILD FAILURE',
  ],
  none: [
    '',
    'all is well',
    'test handles_error_text ... ok',
    'test_shop.py::test_error_message_ok PASSED                    [100%]',
    '✓ throws an error for strings (2 ms)',
    'ok 27 - throws an error for strings',
    'Found 0 errors. Watching for file changes.',
    '# fail 0',
    'Tests run: 3, Failures: 0, Errors: 0, Skipped: 0',
    '40 passed, 0 failed',
    'no errors',
    'compiling src/error.ts',
    'src/errors/index.ts',
    'terror and mirror',
    'the error-prone way',
  ],
};
const order = ['prefix', 'log', 'message'] as const;
const rows = Object.entries(table).flatMap(([rule, texts]) => texts.map((text) => [text, rule] as const));

it.each(rows)('%j is an error by the rule %s', (text, rule) => {
  const says = order.filter((wider) => isErrorLine(text, wider));
  expect(says).toEqual(rule === 'none' ? [] : order.slice(order.indexOf(rule as (typeof order)[number])));
});
