/** What goes to standard error: diagnostics when asked for, a progress line on a terminal, and nothing else. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program, start } from './program.ts';

describe('-v', () => {
  const levels = (stderr: string): string[] => [
    ...new Set(
      stderr
        .trim()
        .split('\n')
        .map((line) => /^\d{4}-\d\d-\d\dT[\d:.]+Z +([A-Z]+) \w+: ./.exec(line)?.[1] ?? `not a line: ${line}`),
    ),
  ];

  const cases: readonly (readonly [readonly string[], Record<string, string>, readonly string[]])[] = [
    [['-v', 'run'], {}, ['INFO']],
    [['run', '-v'], {}, ['INFO']],
    [['--verbose', 'run'], {}, ['INFO']],
    [['-vv', 'run'], {}, ['INFO', 'DEBUG']],
    [['-v', 'run', '-v'], {}, ['INFO', 'DEBUG']],
    [['run', '-v', '--verbose'], {}, ['INFO', 'DEBUG']],
    [['-vvv', 'run'], {}, ['INFO', 'DEBUG', 'TRACE']],
    [['-vvvv', 'run', '-vv'], {}, ['INFO', 'DEBUG', 'TRACE']],
    [['-v', 'run'], { RUST_LOG: 'debug' }, ['INFO', 'DEBUG']],
    [['-vvv', 'run'], { RUST_LOG: 'info' }, ['INFO']],
    [['-v', 'run'], { RUST_LOG: 'hyper=trace,agent_exec=debug' }, ['INFO', 'DEBUG']],
    [['-v', 'run'], { RUST_LOG: 'nonsense' }, ['INFO']],
  ];
  it.each(cases)('%j %j', async (args, env, expected) => {
    await using jobs = await jobsRoot();
    const words = [...args, '--env', 'TOKEN=s3cret', '--stdin', 's3cret', '--', 'true'];
    const { status, stdout, stderr } = await jobs.call(words, { env });
    expect([status, JSON.parse(stdout)]).toMatchObject([0, { ok: true, state: 'exited' }]);
    expect(levels(stderr)).toEqual(expected);
    expect(stderr).not.toContain('s3cret');
    expect(stderr).toContain(jobs.root);
  });

  it.each([
    [['run', '--', 'true'], {}],
    [['run', '--', 'true'], { RUST_LOG: 'trace' }],
    [['-vvv', 'run', '--', 'true'], { RUST_LOG: 'off' }],
    [['status', 'nope'], { RUST_LOG: 'trace' }],
    [['run', 'echo', '-v'], {}],
  ])('says nothing: %j %j', async (args, env) => {
    await using jobs = await jobsRoot();
    expect((await jobs.call(args, { env })).stderr).toBe('');
  });

  it('tells an error by its code, and a usage error stays one', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.call(['-v', 'status', 'nope'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('INFO status: error job_not_found after '),
    });
    expect(await jobs.call(['-v', 'status'])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('\nerror: JOB_ID is missing\n'),
    });
  });
});

describe('the progress line', () => {
  /** Runs a call with standard error on a terminal, and standard output in a file. */
  async function onTerminal(waits: string, script: string): Promise<{ terminal: string; stdout: string }> {
    await using jobs = await jobsRoot();
    const made = waits.startsWith('run')
      ? undefined
      : await jobs.answer([
          ...(waits.startsWith('wait') ? ['run', '--no-wait'] : ['create']),
          '--',
          'sh',
          '-c',
          script,
        ]);
    const words = made ? [...waits.split(' '), String(made.job_id)] : [...waits.split(' '), '--', 'sh', '-c', script];
    const line = [...program, ...words].map((word) => `'${word}'`).join(' ');
    const calling = start(['-qefc', `${line} > answer`, '/dev/null'], {
      words: ['script'],
      cwd: jobs.path,
      env: { AGENT_EXEC_ROOT: jobs.root, HOME: jobs.path, TERM: 'xterm' },
    });
    await eventually('the line shows what was printed, or the call has ended', () => {
      return /\d+ s, [1-9][\d.]* \w+ printed/.test(calling.text.stdout) || calling.child.exitCode !== null;
    });
    writeFileSync(`${jobs.path}/go`, '');
    expect((await calling.ended).status).toBe(0);
    expect(existsSync(`${jobs.path}/answer`)).toBe(true);
    return { terminal: calling.text.stdout, stdout: readFileSync(`${jobs.path}/answer`, 'utf8') };
  }

  const gated = 'printf abc; until [ -e go ]; do sleep 0.02; done; exit 3';

  it.each(['run --human --forever', 'start --forever --human', 'restart --human --forever', 'wait --human'])(
    '%s shows it, and clears it before the answer',
    async (waits) => {
      const { terminal, stdout } = await onTerminal(waits, gated);
      expect(terminal.replaceAll('\x1b', 'ESC')).toMatch(/\rESC\[Kwaiting for [0-9a-f]{7}: \d+ s, 3 bytes printed/);
      expect(terminal.endsWith('\r\x1b[K')).toBe(true);
      expect(stdout).toMatch(/^state +exited$/m);
      expect(stdout).not.toContain('waiting');
    },
  );

  it('is not shown where the answer is for programs', async () => {
    expect((await onTerminal('run --forever', 'sleep 0.6')).terminal).toBe('');
  });

  it('is not there behind a short call, which shows it only where this machine made it wait', async () => {
    const { terminal } = await onTerminal('run --human', 'true');
    expect(terminal.replaceAll('\x1b', 'ESC')).toMatch(/^((\rESC\[Kwaiting for [^\r]+)+\rESC\[K)?$/);
  });

  it('is cleared by Ctrl-C, which leaves the job alone', async () => {
    await using jobs = await jobsRoot();
    const line = [...program, 'run', '--human', '--', 'sleep', '30'].map((word) => `'${word}'`).join(' ');
    const calling = start(['-qefc', `${line} > answer`, '/dev/null'], {
      words: ['script'],
      cwd: jobs.path,
      env: { AGENT_EXEC_ROOT: jobs.root, HOME: jobs.path, TERM: 'xterm' },
      input: 'open',
    });
    await eventually('the line is shown', () => calling.text.stdout.includes('waiting for'));
    calling.child.stdin?.write('\x03');
    await eventually('the line is cleared', () => /\r.\[K(\^C)?\r.\[K$|\^C\r.\[K/.test(calling.text.stdout));
    calling.child.stdin?.end();
    expect((await calling.ended).status).toBe(130);
    expect(await jobs.answer(['ps'])).toMatchObject({ jobs: [{ command: ['sleep', '30'], state: 'running' }] });
  });

  it('is not shown where standard error is no terminal', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.call(['run', '--human', '--', 'sleep', '0.6'])).toMatchObject({ status: 0, stderr: '' });
  });
});
