import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import {
  ErrorResponse,
  KillResponse,
  ListResponse,
  RunResponse,
  StatusResponse,
  TailResponse,
  WaitResponse,
} from '@kanade/shared/job';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot } from './program.ts';

const idOf = (value: Record<string, unknown>): string => String(value.job_id);

describe('run', () => {
  it('answers with the ending and the output of a short job', async () => {
    await using jobs = await jobsRoot();
    const run = RunResponse.parse(
      await jobs.answer(['run', '--tag', 'a.b', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3']),
    );
    expect(run).toMatchObject({
      state: 'exited',
      exit_code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
      tags: ['a.b'],
      ending: 'exited',
      stdout_range: [0, 4],
    });
    expect(run.job_id).toMatch(/^[0-9a-f]{32}$/);
    expect(readFileSync(run.stdout_log_path, 'utf8')).toBe('out\n');
  });

  it.each([
    ['one word is a shell string', ['--', 'echo a; echo b'], 'a\nb\n'],
    ['several words keep their blanks', ['--', 'printf', '%s|', 'a b', '$HOME'], 'a b|$HOME|'],
    ['the dashes are optional', ['echo', '--wait', '-x'], '--wait -x\n'],
    ['bare --wait before a word', ['--wait', 'echo', 'x'], 'x\n'],
    ['--wait true before a word', ['--wait', 'true', 'echo', 'x'], 'x\n'],
    ['an option value before --wait', ['--timeout', '9', '--wait', 'echo', 'x'], 'x\n'],
    ['--env wins over the caller', ['--env', 'KANADE_X=1', '--', 'echo $KANADE_X'], '1\n'],
    ['--stdin', ['--stdin', 'text', '--', 'cat'], 'text'],
    ['--shell-wrapper', ['--shell-wrapper', 'sh -c', '--', 'echo x'], 'x\n'],
  ])('%s', async (_name, args, stdout) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['run', ...args])).toMatchObject({ ok: true, state: 'exited', stdout });
  });

  it('takes piped input, and does not hang on a pipe that nobody closes', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['run', '--', 'cat'], { input: 'piped' })).toMatchObject({ stdout: 'piped' });
    expect(await jobs.answer(['run', '--stdin', '-', '--', 'cat'], { input: 'asked for' })).toMatchObject({
      stdout: 'asked for',
    });
    expect(await jobs.answer(['run', '--', 'cat'], { input: 'open' })).toMatchObject({ state: 'exited', stdout: '' });
  });

  it('answers for a silent job at the deadline, and the job lives on until kill ends it', async () => {
    await using jobs = await jobsRoot();
    const run = RunResponse.parse(await jobs.answer(['run', '--until', '0', '--', 'sleep', '30']));
    expect(run.state).toBe('running');
    expect(StatusResponse.parse(await jobs.answer(['status', run.job_id])).state).toBe('running');
    const kill = KillResponse.parse(await jobs.answer(['kill', run.job_id]));
    expect(kill).toMatchObject({
      state: 'killed',
      signal: 'TERM',
      terminated_signal: 'SIGTERM',
      survivors: [],
      ended_by: 'user',
    });
    expect(StatusResponse.parse(await jobs.answer(['status', run.job_id]))).toMatchObject({
      state: 'killed',
      ending: 'killed',
    });
  });

  it('answers early for a job that has said something and then falls silent, with all that a quick loop printed', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer([
      'run',
      '--',
      'sh',
      '-c',
      'for i in 1 2 3; do echo $i; sleep 0.1; done; exec sleep 30',
    ]);
    expect(run).toMatchObject({ state: 'running', stdout: '1\n2\n3\n' });
  });

  it('enforces --timeout after it has returned, and says so', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', '--timeout', '1', '--until', '0', '--', 'sleep', '30']);
    const wait = WaitResponse.parse(await jobs.answer(['wait', idOf(run)]));
    expect(wait).toMatchObject({ state: 'killed', ending: 'timed_out' });
  });

  it('masks values in the answer and in the definition, and gives them to the job', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', '--env', 'TOKEN=secret', '--mask', 'TOKEN', '--', 'test "$TOKEN" = secret']);
    expect(run).toMatchObject({ exit_code: 0, env_vars: ['TOKEN=***'] });
  });

  it.each([
    ['a missing directory', ['--cwd', '/nowhere', '--', 'true'], 'working directory /nowhere does not exist'],
    ['a missing shell', ['--shell-wrapper', 'no-such-shell -c', '--', 'true'], 'program no-such-shell was not found'],
    [
      'an env file that cannot be read',
      ['--env-file', '/nowhere/env', '--', 'true'],
      'could not read env file /nowhere/env',
    ],
  ])('a job that could not start is failed, and says why: %s', async (_name, args, error) => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', ...args]);
    expect(run).toMatchObject({
      ok: true,
      state: 'failed',
      ending: 'not_started',
      error: expect.stringContaining(error),
    });
    expect(run.exit_code).toBeUndefined();
    expect(await jobs.answer(['status', idOf(run)])).toMatchObject({
      state: 'failed',
      error: expect.stringContaining(error),
    });
  });
});

describe('status, wait, tail, list, kill', () => {
  it('find a job by a prefix and answer with its full id', async () => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--', 'seq', '1', '5']));
    const prefix = id.slice(0, 6);
    expect(StatusResponse.parse(await jobs.answer(['status', prefix]))).toMatchObject({
      job_id: id,
      state: 'exited',
      exit_code: 0,
    });
    expect(TailResponse.parse(await jobs.answer(['tail', '--lines', '2', prefix]))).toMatchObject({
      stdout: '4\n5\n',
      stdout_range: [6, 10],
    });
    expect(WaitResponse.parse(await jobs.answer(['wait', prefix]))).toMatchObject({
      state: 'exited',
      stdout: '1\n2\n3\n4\n5\n',
    });
    expect(KillResponse.parse(await jobs.answer(['kill', prefix]))).toMatchObject({
      state: 'exited',
      observed_within_ms: 0,
    });
  });

  it('wait gives up at its deadline', async () => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--no-wait', '--', 'sleep', '30']));
    expect(WaitResponse.parse(await jobs.answer(['wait', '--until', '0', id])).state).toBe('running');
  });

  it('wait returns when the job ends', async () => {
    await using jobs = await jobsRoot();
    const gate = `${jobs.path}/gate`;
    const id = idOf(
      await jobs.answer(['run', '--no-wait', '--', 'sh', '-c', `while [ ! -e ${gate} ]; do sleep 0.02; done; exit 9`]),
    );
    const waiting = jobs.answer(['wait', '--forever', id]);
    writeFileSync(gate, '');
    expect(await waiting).toMatchObject({ state: 'exited', exit_code: 9 });
  });

  it('kill takes the children too', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', '--', 'sh', '-c', 'sleep 60 & echo $!; wait']);
    const child = Number(run.stdout);
    expect(existsSync(`/proc/${child}`)).toBe(true);
    expect(await jobs.answer(['kill', idOf(run)])).toMatchObject({ state: 'killed', survivors: [] });
    await eventually('the child is gone', () => !existsSync(`/proc/${child}`));
  });

  it('kill --signal sends exactly that signal', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer([
      'run',
      '--',
      'sh',
      '-c',
      'trap "echo usr1; exit 4" USR1; echo ready; while :; do sleep 0.05; done',
    ]);
    expect(await jobs.answer(['kill', '--signal', 'sigusr1', idOf(run)])).toMatchObject({
      signal: 'SIGUSR1',
      state: 'exited',
      exit_code: 4,
      ending: 'exited',
    });
  });

  it('list shows the jobs of this directory, newest first, and filters', async () => {
    await using jobs = await jobsRoot();
    for (const tag of ['build.web', 'build.api', 'test']) await jobs.answer(['run', '--tag', tag, '--', 'true']);
    await jobs.answer(['run', '--cwd', '/', '--', 'false']);
    const list = async (...args: string[]) => ListResponse.parse(await jobs.answer(['list', ...args]));
    expect((await list()).jobs.map((job) => job.tags[0])).toEqual(['test', 'build.api', 'build.web']);
    expect((await list('--all')).jobs).toHaveLength(4);
    expect(await list('--tag', 'build.*', '--limit', '1')).toMatchObject({
      truncated: true,
      jobs: [{ tags: ['build.api'], state: 'exited', exit_code: 0 }],
    });
    expect((await list('--cwd', '/')).jobs).toMatchObject([{ command: ['false'], exit_code: 1 }]);
    expect((await list('--all', '--state', 'running')).jobs).toEqual([]);
  });

  it('a root that does not exist lists nothing and is not made', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['list', '--root', `${jobs.path}/none`])).toMatchObject({ ok: true, jobs: [] });
    expect(existsSync(`${jobs.path}/none`)).toBe(false);
  });

  it('an ambiguous prefix names the candidates', async () => {
    await using jobs = await jobsRoot();
    for (let made = 0; made < 17; made++) await jobs.answer(['run', '--', 'true']);
    const first = readdirSync(jobs.root)
      .map((name) => name[0])
      .find((letter, at, all) => letter !== '.' && all.indexOf(letter) !== at);
    const failed = await jobs.answer(['status', String(first)]);
    expect([failed.status, failed.error?.code]).toEqual([1, 'ambiguous_job_id']);
    expect(failed.error?.details).toMatchObject({ truncated: false });
  });
});

describe('calls that make no sense', () => {
  it.each([
    [['bogus']],
    [[]],
    [['--bogus', 'list']],
    [['run']],
    [['run', '--bogus', '--', 'true']],
    [['run', '--until', '-1', '--', 'true']],
    [['run', '--until', '1.5', '--', 'true']],
    [['run', '--until', '1', '--until', '2', '--', 'true']],
    [['run', '--until', '1', '--forever', '--', 'true']],
    [['run', '--tag', 'not a tag', '--', 'true']],
    [['status']],
    [['status', 'a', 'b']],
    [['wait', '--timeout-ms', '5', 'x']],
    [['list', '--state', 'sleeping']],
    [['list', '--all', '--cwd', '/']],
    [['kill', '--signal', 'NOPE', 'x']],
  ])('%j exits 2 with empty stdout', async (args) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.length).toBeGreaterThan(10);
    expect(existsSync(jobs.root)).toBe(false);
  });

  it.each([[''], ['..'], ['../jobs'], ['/etc'], ['no-such-job'], ['a\nb']])(
    'the job id %j is not found',
    async (id) => {
      await using jobs = await jobsRoot();
      await jobs.answer(['run', '--', 'true']);
      for (const command of ['status', 'tail', 'wait', 'kill']) {
        const failed = ErrorResponse.parse(await jobs.answer([command, id]));
        expect(failed.error.code).toBe('job_not_found');
      }
    },
  );
});

describe('help and version', () => {
  it('says version, runtime, platform and contract', async () => {
    await using jobs = await jobsRoot();
    const { status, stdout } = await jobs.call(['--version']);
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/^kanade \d+\.\d+\.\d+ \((bun|node) [\d.]+, \w+-\w+\), contract 0\.2\.31\n$/),
    ]);
  });

  it.each([
    [['--help'], 0],
    [['help'], 0],
    [['help', 'run'], 0],
    [['run', '--help'], 0],
  ] as const)('%j', async (args, code) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(args);
    expect([status, stderr]).toEqual([code, '']);
    expect(stdout).toContain('Usage: kanade');
  });
});
