/** Contract, section 3: what is in the answers, and what is never in them. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { strictJobResponse } from '@kanade/shared/job';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jobsRoot } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;

const excerpts = [
  'stdout',
  'stderr',
  'encoding',
  'stdout_range',
  'stderr_range',
  'stdout_total_bytes',
  'stderr_total_bytes',
];
const envelope = ['schema_version', 'ok', 'type'];
const logs = ['stdout_log_path', 'stderr_log_path'];
const launched = ['job_id', 'state', 'tags', ...logs, 'elapsed_ms', 'waited_ms', ...excerpts, 'cursor'];

/** Keys of an answer without those that are ours and only explain. */
const explaining = ['status', 'ending', 'ended_by', 'error', 'signal_number', 'terminated_signal_number'];
const keysOf = (answer: object): string[] =>
  Object.keys(answer)
    .filter((key) => !explaining.includes(key) && !['mechanism', 'survivors'].includes(key))
    .sort();

/** How to get a job to ask about, per state. */
const words = {
  created: ['create', '--', 'true'],
  running: ['run', '--no-wait', '--', 'sleep', '30'],
  exited: ['run', '--', 'sh', '-c', 'echo out; echo err >&2; exit 3'],
  killed: ['run', '--', 'sh', '-c', 'kill -9 $$'],
  failed: ['run', '--cwd', '/nowhere', '--', 'true'],
};
type State = keyof typeof words;

async function make(jobs: Root, state: State): Promise<string> {
  return String((await jobs.answer(words[state])).job_id);
}

describe('keys: exactly these, for every state', () => {
  const ended = ['finished_at'];
  const sizes = ['log_bytes', 'log_bytes_max'];
  const cases: readonly (readonly [string, State, readonly string[]])[] = [
    ['status', 'created', ['job_id', 'state', 'created_at', ...sizes]],
    ['status', 'running', ['job_id', 'state', 'created_at', 'started_at', ...sizes]],
    ['status', 'exited', ['job_id', 'state', 'created_at', 'started_at', 'exit_code', ...ended, ...sizes]],
    ['status', 'killed', ['job_id', 'state', 'created_at', 'started_at', ...ended, ...sizes]],
    ['status', 'failed', ['job_id', 'state', 'created_at', ...ended, ...sizes]],
    ['wait --until 0', 'created', ['job_id', 'state', ...excerpts, 'cursor', 'updated_at']],
    ['wait --until 0', 'running', ['job_id', 'state', ...excerpts, 'cursor', 'updated_at']],
    ['wait', 'exited', ['job_id', 'state', 'exit_code', ...excerpts, 'cursor', 'updated_at']],
    ['wait', 'killed', ['job_id', 'state', ...excerpts, 'cursor', 'updated_at']],
    ['wait', 'failed', ['job_id', 'state', ...excerpts, 'cursor', 'updated_at']],
    ...(['created', 'running', 'exited', 'killed', 'failed'] as const).map(
      (state) => ['tail', state, ['job_id', ...logs, ...excerpts, 'cursor']] as const,
    ),
    ['kill', 'exited', ['job_id', 'signal', 'state', 'exit_code', 'observed_within_ms']],
    ['kill', 'killed', ['job_id', 'signal', 'state', 'terminated_signal', 'observed_within_ms']],
    ['kill', 'failed', ['job_id', 'signal', 'state', 'observed_within_ms']],
    ['kill', 'running', ['job_id', 'signal', 'state', 'terminated_signal', 'observed_within_ms']],
    ['kill --no-wait', 'running', ['job_id', 'signal']],
    ['kill --no-wait', 'exited', ['job_id', 'signal']],
    ['tag set', 'running', ['job_id', 'tags']],
    ['notify set', 'exited', ['job_id', 'notification']],
    ['start', 'created', [...launched, 'exit_code', 'finished_at', 'duration_ms']],
    ['restart', 'exited', [...launched, 'exit_code', 'finished_at', 'duration_ms']],
    ['restart', 'killed', [...launched, 'signal', 'finished_at', 'duration_ms']],
    ['restart', 'failed', [...launched, 'finished_at']],
    ['restart', 'created', [...launched, 'exit_code', 'finished_at', 'duration_ms']],
    ['restart --no-wait', 'running', launched],
    ['delete', 'exited', ['root', 'dry_run', 'deleted', 'skipped', 'out_of_scope', 'failed', 'jobs']],
    ['delete', 'created', ['root', 'dry_run', 'deleted', 'skipped', 'out_of_scope', 'failed', 'jobs']],
  ];
  it.each(cases)('%s of a job that is %s', async (command, state, keys) => {
    await using jobs = await jobsRoot();
    const id = await make(jobs, state);
    const answer = await jobs.answer([...command.split(' '), id]);
    expect(answer).toMatchObject({ status: 0, ok: true });
    expect(keysOf(answer)).toEqual([...envelope, ...keys].sort());
    const { status: _code, ...document } = answer;
    expect(strictJobResponse(document)).toEqual({ ok: true, value: document });
  });

  it.each<[string, State, string]>([
    ['start', 'running', 'invalid_state'],
    ['start', 'exited', 'invalid_state'],
    ['start', 'failed', 'invalid_state'],
    ['kill', 'created', 'invalid_state'],
    ['kill --no-wait', 'created', 'invalid_state'],
    ['delete', 'running', 'invalid_state'],
  ])('%s of a job that is %s → %s', async (command, state, code) => {
    await using jobs = await jobsRoot();
    const answer = await jobs.answer([...command.split(' '), await make(jobs, state)]);
    expect(answer).toMatchObject({ status: 1, ok: false, error: { code, retryable: false } });
  });

  it('list, gc, delete --all, install-skills, doctor and schema', async () => {
    await using jobs = await jobsRoot();
    for (const state of Object.keys(words) as State[]) await make(jobs, state);
    const list = await jobs.answer(['list', '--all']);
    expect(keysOf(list)).toEqual([...envelope, 'root', 'jobs', 'truncated', 'skipped'].sort());
    const entry = (list.jobs as Record<string, unknown>[]).find(({ state }) => state === 'created');
    expect(Object.keys(entry ?? {}).sort()).toEqual(
      ['job_id', 'short_job_id', 'state', 'command', 'created_at', 'updated_at', 'tags'].sort(),
    );
    const sums = ['deleted', 'skipped', 'out_of_scope', 'failed'];
    expect(keysOf(await jobs.answer(['gc']))).toEqual(
      [
        ...envelope,
        ...sums,
        'root',
        'dry_run',
        'older_than',
        'older_than_source',
        'freed_bytes',
        'scanned_dirs',
        'candidate_count',
      ].sort(),
    );
    expect(keysOf(await jobs.answer(['delete', '--all', '--dry-run']))).toEqual(
      [...envelope, ...sums, 'root', 'dry_run', 'cwd_scope', 'jobs'].sort(),
    );
    expect(keysOf(await jobs.answer(['schema']))).toEqual(
      [...envelope, 'schema_format', 'schema', 'generated_at'].sort(),
    );
  });
});

describe('run', () => {
  it.each([
    ['--no-wait', ['--no-wait'], { waited_ms: 0 }],
    ['--wait false', ['--wait', 'false'], { waited_ms: 0 }],
    ['--wait=FALSE', ['--wait=FALSE'], { waited_ms: 0 }],
    ['--no-wait beats --wait', ['--wait', '--no-wait'], { waited_ms: 0 }],
    ['--until 0', ['--until', '0'], { state: 'running' }],
    ['--max-bytes 0', ['--until', '0', '--max-bytes', '0'], { stdout: '', stdout_range: [0, 0] }],
    ['--compress off', ['--until', '0', '--compress', 'off'], { state: 'running' }],
    ['--rtk off', ['--until', '0', '--rtk', 'off'], { state: 'running' }],
    ['both, and the same', ['--until', '0', '--compress', 'off', '--rtk', 'off'], { state: 'running' }],
    ['older callers’ words', ['--until', '0', '--progress-every', '1', '--no-auto-gc'], { state: 'running' }],
  ])('%s', async (_name, options, expected) => {
    await using jobs = await jobsRoot();
    const answer = await jobs.answer(['run', ...options, '--', 'sleep', '30']);
    expect(answer).toMatchObject({ ok: true, ...expected });
    expect(answer.compression).toBeUndefined();
  });

  it.each([
    ['a value without =', ['--env', 'EMPTY', '--', 'env | grep ^EMPTY'], 'EMPTY=\n'],
    ['a value with = in it', ['--env', 'A=b=c', '--', 'echo "$A"'], 'b=c\n'],
    ['the last --env wins', ['--env', 'A=1', '--env', 'A=2', '--', 'echo "$A"'], '2\n'],
    ['--env=KEY=VALUE', ['--env=A=1', '--', 'echo "$A"'], '1\n'],
    ['no environment', ['--no-inherit-env', '--', 'echo "[$KANADE_TEST_X]"'], '[]\n'],
    ['inherited environment', ['--inherit-env', '--', 'echo "[$KANADE_TEST_X]"'], '[x]\n'],
    ['--stdin with nothing in it', ['--stdin=', '--', 'cat; echo end'], 'end\n'],
    ['--cwd', ['--cwd', '/', '--', 'pwd'], '/\n'],
    ['a value that is one dash', ['--tag', 'a', '--', 'echo', '-'], '-\n'],
    ['options of ours behind the command', ['echo', '--root', '--yaml', '--', '-v'], '--root --yaml -- -v\n'],
  ])('%s', async (_name, args, stdout) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['run', ...args], { env: { KANADE_TEST_X: 'x' } })).toMatchObject({ ok: true, stdout });
  });

  it('env files apply in order, before --env', async () => {
    await using jobs = await jobsRoot();
    writeFileSync(`${jobs.path}/a`, '# comment\n\n A=file one \nB=1\nC\n');
    writeFileSync(`${jobs.path}/b`, 'B=2\nD="q"\n');
    const args = ['--env-file', 'a', '--env-file', 'b', '--env', 'D=own', '--', 'echo "$A|$B|$C|$D"'];
    expect(await jobs.answer(['run', ...args])).toMatchObject({ stdout: 'file one|2||own\n' });
  });

  it('tags keep their first order, once each; masked values are never shown', async () => {
    await using jobs = await jobsRoot();
    const args = ['--tag', 'b', '--tag', 'a.x', '--tag', 'b', '--env', 'S=hidden', '--mask', 'S', '--env', 'T=shown'];
    const answer = await jobs.answer(['run', ...args, '--', 'true']);
    expect(answer).toMatchObject({ tags: ['b', 'a.x'], env_vars: ['S=***', 'T=shown'] });
    expect(JSON.stringify(await jobs.answer(['list']))).not.toContain('hidden');
  });

  it('excerpts are beginnings of so many bytes; a cut character is replaced', async () => {
    await using jobs = await jobsRoot();
    const answer = await jobs.answer(['run', '--max-bytes', '4', '--', 'printf', 'abcäöü']);
    expect(answer).toMatchObject({ stdout: 'abc\ufffd', stdout_range: [0, 4], stdout_total_bytes: 9 });
  });

  it('a command that does not exist exits 127', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['run', '--', 'no-such-program-here'])).toMatchObject({ state: 'exited', exit_code: 127 });
  });

  it('--stdin - needs something that is no terminal', async () => {
    await using jobs = await jobsRoot();
    const program = [
      ...(JSON.parse(process.env.KANADE_PROGRAM ?? '[]') as string[]),
      'run',
      '--stdin',
      '-',
      '--',
      'cat',
    ];
    const { stdout } = await jobs.call([], { words: ['script', '-qec', program.join(' '), '/dev/null'] });
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code: 'stdin_required' } });
    expect(existsSync(jobs.root)).toBe(false);
  });

  it('a lock of the collection that cannot be taken costs no answer', async () => {
    await using jobs = await jobsRoot();
    mkdirSync(`${jobs.root}/.gc.lock/x`, { recursive: true });
    expect(await jobs.answer(['run', '--auto-gc-max-jobs', '1', '--', 'echo', 'x'])).toMatchObject({
      status: 0,
      stdout: 'x\n',
    });
  });
});

describe('--compress', () => {
  const modes = ['route', 'errors', 'tests', 'logs', 'git', 'json', 'summary'];

  it.each(modes)('%s is taken by run and tail, and short output is shown as it is', async (mode) => {
    await using jobs = await jobsRoot();
    const ran = await jobs.answer(['run', '--compress', mode, '--', 'sh', '-c', 'echo out; echo failed >&2']);
    const tailed = await jobs.answer(['tail', '--rtk', mode, String(ran.job_id)]);
    for (const { status, ...document } of [ran, tailed]) {
      expect(status).toBe(0);
      expect(document).toMatchObject({
        stdout: 'out\n',
        stderr: 'failed\n',
        compression: {
          mode,
          applied: false,
          stdout: '',
          stderr: '',
          stdout_original_bytes: 4,
          strategy: ['expansion-guard'],
        },
      });
      expect(strictJobResponse(document)).toEqual({ ok: true, value: document });
    }
  });
});

describe('tail and wait', () => {
  it.each([
    [['--lines', '2'], '4\n5\n'],
    [['--tail-lines', '1'], '5\n'],
    [['--tail-lines', '0'], '1\n2\n3\n4\n5\n'],
    [['--max-bytes', '3'], '\n5\n'],
    [['--max-bytes', '3', '--lines', '1'], '5\n'],
    [['--max-bytes', '0'], ''],
    [['--compress', 'off'], '1\n2\n3\n4\n5\n'],
    [['--rtk', 'off'], '1\n2\n3\n4\n5\n'],
  ])('tail %j', async (options, stdout) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'seq', '5']);
    expect(await jobs.answer(['tail', ...options, String(job_id)])).toMatchObject({
      stdout,
      stdout_range: [10 - stdout.length, 10],
      stdout_total_bytes: 10,
      stderr: '',
      stderr_range: [0, 0],
    });
  });

  it.each(['status', 'wait', 'kill', 'delete', 'start', 'tail'])('%s of a job without state.json', async (command) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    rmSync(`${jobs.root}/${job_id}/state.json`);
    const codes: Record<string, string> = { wait: 'internal_error', start: 'invalid_state', kill: 'invalid_state' };
    const answer = await jobs.answer([command, String(job_id)]);
    expect(answer.error?.code).toBe(codes[command]);
    if (command === 'delete') expect(answer.jobs).toMatchObject([{ state: 'unknown', action: 'deleted' }]);
  });

  it('list --state unknown finds it, and skips what has no definition', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    writeFileSync(`${jobs.root}/${job_id}/state.json`, '{');
    mkdirSync(`${jobs.root}/empty`);
    expect(await jobs.answer(['list', '--state', 'unknown'])).toMatchObject({
      jobs: [{ job_id, state: 'unknown' }],
      skipped: 1,
    });
  });
});

describe('options of every command', () => {
  it.each([
    [['list', '--root', 'b'], 'b'],
    [['--root', 'a', 'list'], 'a'],
    [['--root', 'a', 'list', '--root', 'b'], 'b'],
    [['--root=a', 'list', '--root=b'], 'b'],
    [['list'], 'jobs'],
    [['ps', '--root', './b/../c'], 'c'],
  ])('%j', async (args, root) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(args)).toMatchObject({ root: `${jobs.path}/${root}` });
  });

  it.each([
    [{ AGENT_EXEC_ROOT: '', XDG_DATA_HOME: '/data' }, '/data/agent-exec/jobs'],
    [{ AGENT_EXEC_ROOT: '', XDG_DATA_HOME: '', HOME: '/home/x' }, '/home/x/.local/share/agent-exec/jobs'],
    [{ AGENT_EXEC_ROOT: '/mine', XDG_DATA_HOME: '/data' }, '/mine'],
  ])('%j', async (env, root) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['list'], { env })).toMatchObject({ root });
  });

  it.each([
    ['-v', 'list'],
    ['-vvv', 'list'],
    ['-v', '-v', 'list', '-vv', '--verbose', '--verbose'],
    ['list', '--verbose'],
  ])('%s %s … says nothing more on stdout', async (...args) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(args.filter((arg) => arg !== undefined))).toMatchObject({ ok: true, type: 'list' });
  });

  it.each([[['--yaml', 'status', 'nope']], [['status', '--yaml', 'nope']]])('an error as YAML: %j', async (args) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(args);
    expect([status, stderr]).toEqual([1, '']);
    expect(parse(stdout)).toMatchObject({ ok: false, type: 'error', error: { code: 'job_not_found' } });
  });

  it.each([
    ['run', '--help'],
    ['tag', 'set', '--help'],
    ['help', 'tag', 'set'],
    ['help', 'rm'],
    ['help', 'tag'],
    ['help', 'help'],
    ['tag', '--help'],
    ['notify', '-h'],
    ['rm', '-h'],
    ['gc', '-h'],
    ['-h'],
  ])('help: %s %s %s', async (...args) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(args.filter((arg) => arg !== undefined));
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Usage: kanade');
  });
});

describe('large numbers', () => {
  it.each([
    ['run', ['--until', '3000000']],
    ['run', ['--until', '18446744073709551615']],
    ['start', ['--until', '99999999999']],
    ['restart', ['--until', '2147484']],
  ])('%s %j observes to the end', async (command, options) => {
    await using jobs = await jobsRoot();
    const script = ['sh', '-c', 'sleep 0.3; exit 4'];
    const job_id = command === 'run' ? undefined : (await jobs.answer(['create', '--', ...script])).job_id;
    const words = job_id === undefined ? ['--', ...script] : [String(job_id)];
    expect(await jobs.answer([command, ...options, ...words])).toMatchObject({ state: 'exited', exit_code: 4 });
  });

  it('wait, timeouts and counts take them, and stderr stays empty', async () => {
    await using jobs = await jobsRoot();
    const run = [
      'run',
      '--timeout',
      '3000000',
      '--kill-after',
      '18446744073709551615',
      '--until',
      '+0',
      '--',
      'sleep',
      '0.3',
    ];
    const { job_id } = await jobs.answer(run);
    const { stdout, stderr } = await jobs.call(['wait', '--until', '3000000', String(job_id)]);
    expect([JSON.parse(stdout), stderr]).toMatchObject([{ state: 'exited', ending: 'exited' }, '']);
    const tail = ['tail', '--lines', '18446744073709551615', '--max-bytes', '18446744073709551615', String(job_id)];
    expect(await jobs.answer(tail)).toMatchObject({ ok: true, stdout: '' });
  });
});

describe('groups of commands', () => {
  it.each([
    [['tag', '--root', 'b', 'set', 'x'], 'b'],
    [['--root', 'a', 'tag', '--root', 'b', 'set', 'x'], 'b'],
    [['notify', '--root=b', 'set', 'x', '--root', 'c'], 'c'],
  ])('%j takes options between its words', async (args, root) => {
    await using jobs = await jobsRoot();
    const { error } = await jobs.answer(args);
    expect(error).toMatchObject({ code: 'job_not_found', message: expect.stringContaining(`${jobs.path}/${root};`) });
  });
});

describe('definitions', () => {
  it('create stores what run would do, and makes no sink or input of its own', async () => {
    await using jobs = await jobsRoot();
    const options = [
      '--timeout',
      '5',
      '--kill-after',
      '2',
      '--progress-every',
      '3',
      '--notify-file',
      'n',
      '--output-command',
      'x',
    ];
    const created = await jobs.answer(['create', ...options, '--', 'cat'], { input: 'not taken' });
    const meta = JSON.parse(readFileSync(`${jobs.root}/${created.job_id}/meta.json`, 'utf8'));
    expect(meta).toMatchObject({
      command: ['cat'],
      timeout_ms: 5000,
      kill_after_ms: 2000,
      progress_every_ms: 3000,
      cwd: jobs.path,
      inherit_env: true,
      notification: { notify_file: `${jobs.path}/n` },
      tags: [],
    });
    expect(meta.notification.on_output_match).toBeUndefined();
    expect(meta.stdin_file).toBeUndefined();
  });
});
