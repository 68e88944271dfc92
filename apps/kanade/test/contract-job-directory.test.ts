/** Contract, section 2: what lies in the directory of a job. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jobsRoot } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;
const second = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const documentOf = ({ root }: Root, id: unknown, name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(`${root}/${id}/${name}.json`, 'utf8'));

describe('meta.json', () => {
  const plain = {
    schema_version: '0.1',
    created_at: expect.stringMatching(second),
    env_keys: [],
    tags: [],
    inherit_env: true,
    timeout_ms: 0,
    kill_after_ms: 0,
    progress_every_ms: 0,
    shell_wrapper: ['sh', '-lc'],
  };
  const cases: readonly (readonly [string, readonly string[], object])[] = [
    ['nothing but a command', [], {}],
    ['--timeout 5', ['--timeout', '5'], { timeout_ms: 5000 }],
    ['--kill-after=2', ['--kill-after=2'], { kill_after_ms: 2000 }],
    ['--progress-every 3', ['--progress-every', '3'], { progress_every_ms: 3000 }],
    ['--no-inherit-env', ['--no-inherit-env'], { inherit_env: false }],
    ['--shell-wrapper', ['--shell-wrapper', 'bash  -c'], { shell_wrapper: ['bash', '-c'] }],
    ['--tag', ['--tag', 'b', '--tag', 'a', '--tag', 'b'], { tags: ['b', 'a'] }],
    ['--cwd', ['--cwd', '/usr/../tmp'], { cwd: '/tmp' }],
    ['--stdin', ['--stdin', ''], { stdin_file: 'stdin.bin' }],
    ['--notify-file', ['--notify-file', '/n'], { notification: { notify_file: '/n' } }],
    ['--notify-command', ['--notify-command', 'c'], { notification: { notify_command: 'c' } }],
    ['match options without a pattern', ['--output-command', 'c'], {}],
    [
      '--output-pattern',
      ['--output-pattern', 'p', '--output-file', '/m'],
      { notification: { on_output_match: { pattern: 'p', match_type: 'contains', stream: 'either', file: '/m' } } },
    ],
    [
      '--env and --mask',
      ['--env', 'A=1', '--env', 'B', '--mask', 'A'],
      { env_keys: ['A', 'B'], env_vars: ['A=***', 'B='], env_vars_runtime: ['B='], mask: ['A'] },
    ],
  ];
  it.each(cases)('%s', async (_name, options, expected) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['create', ...options, '--', 'a', 'b c']);
    expect(documentOf(jobs, job_id, 'meta')).toEqual({
      ...plain,
      job: { id: job_id },
      command: ['a', 'b c'],
      root: jobs.root,
      cwd: jobs.path,
      ...expected,
    });
  });
});

describe('state.json', () => {
  const none = { exit_code: null, signal: null, duration_ms: null };
  const some = expect.any(Number);
  const cases: readonly (readonly [string, readonly string[], object, object])[] = [
    ['created', ['create', '--', 'true'], none, { logs_drained: true }],
    ['running', ['run', '--no-wait', '--', 'sleep', '30'], none, { pid: some, logs_drained: true }],
    [
      'exited',
      ['run', '--', 'exit 7'],
      { ...none, exit_code: 7, duration_ms: some },
      { pid: some, logs_drained: true },
    ],
    ['killed', ['run', '--', 'kill -9 $$'], { ...none, signal: '9', duration_ms: some }, { logs_drained: true }],
    ['failed', ['run', '--cwd', '/nowhere', '--', 'true'], none, {}],
  ];
  it.each(cases)('%s', async (status, args, result, more) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(args);
    const state = documentOf(jobs, job_id, 'state');
    expect(state).toMatchObject({ job: { id: job_id, status }, updated_at: expect.stringMatching(second), ...more });
    expect(state.result).toEqual(result);
    const isEnded = ['exited', 'killed', 'failed'].includes(status);
    expect([typeof state.finished_at, typeof (state.job as { started_at?: string }).started_at]).toEqual([
      isEnded ? 'string' : 'undefined',
      ['created', 'failed'].includes(status) ? 'undefined' : 'string',
    ]);
  });
});

describe('files', () => {
  it('are there from the beginning, for their owner alone', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['create', '--stdin', 'in', '--', 'cat']);
    const names = readdirSync(`${jobs.root}/${job_id}`).sort();
    expect(names).toEqual(['full.log', 'meta.json', 'state.json', 'stderr.log', 'stdin.bin', 'stdout.log']);
    for (const name of names) expect(statSync(`${jobs.root}/${job_id}/${name}`).mode & 0o077).toBe(0);
    expect(readFileSync(`${jobs.root}/${job_id}/stdin.bin`, 'utf8')).toBe('in');
  });

  it('full.log has a line for each line, whatever is in it', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'printf', 'a\\r\\n\\n\\377\\nend']);
    const lines = readFileSync(`${jobs.root}/${job_id}/full.log`, 'utf8').split('\n');
    const [time] = lines[0]?.split(' ') ?? [];
    expect(time).toMatch(second);
    const texts = lines.map((line) => line.replace(/^\S+Z /, ''));
    expect(texts).toEqual(['[STDOUT] a\r', '[STDOUT] ', '[STDOUT] \ufffd', '[STDOUT] end', '']);
  });

  it('raw logs are the bytes that were printed', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', '--', 'printf', '\\377\\000a\\r\\n']);
    expect(readFileSync(String(run.stdout_log_path))).toEqual(Buffer.from([255, 0, 97, 13, 10]));
    expect(run).toMatchObject({ stdout: '\ufffd\0a\r\n', stdout_range: [0, 5], stdout_total_bytes: 5 });
  });

  it('restart keeps the definition and begins the logs anew', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--env', 'A=1', '--', 'echo $A; echo >> count; wc -l < count']);
    const before = documentOf(jobs, job_id, 'meta');
    expect(await jobs.answer(['restart', String(job_id)])).toMatchObject({ stdout: '1\n2\n', stdout_range: [0, 4] });
    expect(documentOf(jobs, job_id, 'meta')).toEqual(before);
  });

  it('restart of a job whose definition belongs to another is refused', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    const meta = documentOf(jobs, job_id, 'meta');
    writeFileSync(`${jobs.root}/${job_id}/meta.json`, JSON.stringify({ ...meta, job: { id: 'other' } }));
    expect(await jobs.answer(['restart', String(job_id)])).toMatchObject({
      status: 1,
      error: { code: 'invalid_state' },
    });
  });

  it('tag set keeps what it does not know', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['create', '--', 'true']);
    const meta = { ...documentOf(jobs, job_id, 'meta'), later_version: { x: 1 } };
    writeFileSync(`${jobs.root}/${job_id}/meta.json`, JSON.stringify(meta));
    await jobs.answer(['tag', 'set', String(job_id), '--tag', 'new']);
    expect(documentOf(jobs, job_id, 'meta')).toEqual({ ...meta, tags: ['new'] });
  });
});

describe('input', () => {
  const over = 64 * 1024 * 1024 + 1;

  it('is limited by the option alone', async () => {
    await using jobs = await jobsRoot();
    const file = `${jobs.path}/input`;
    writeFileSync(file, Buffer.alloc(over));
    const args = ['--stdin-file', file, '--', 'wc', '-c'];
    expect(await jobs.answer(['run', ...args])).toMatchObject({ status: 1, error: { code: 'stdin_too_large' } });
    expect(existsSync(jobs.root)).toBe(false);
    const allowed = await jobs.answer(['run', '--stdin-max-bytes', String(over), ...args]);
    expect(String(allowed.stdout).trim()).toBe(String(over));
    expect(await jobs.answer(['create', '--stdin-max-bytes', String(over), ...args])).toMatchObject({ ok: true });
  });

  it.each([
    ['of exactly the limit', '4', true],
    ['of a byte more', '3', false],
  ])('piped, %s', async (_name, limit, ok) => {
    await using jobs = await jobsRoot();
    for (const options of [['--stdin', '-'], []]) {
      const args = ['run', ...options, '--stdin-max-bytes', limit, '--', 'cat'];
      expect(await jobs.answer(args, { input: 'abcd' })).toMatchObject(
        ok ? { ok, stdout: 'abcd' } : { ok, error: { code: 'stdin_too_large', retryable: false } },
      );
    }
  });

  it('of nothing is no input, unless it was asked for', async () => {
    await using jobs = await jobsRoot();
    const files = async (...options: string[]) => {
      const { job_id } = await jobs.answer(['run', ...options, '--', 'cat'], { input: '' });
      return existsSync(`${jobs.root}/${job_id}/stdin.bin`);
    };
    expect([await files(), await files('--stdin', '-'), await files('--stdin=')]).toEqual([false, true, true]);
  });
});
