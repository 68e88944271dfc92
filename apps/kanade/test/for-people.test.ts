/** What is there for people: watch, --human, doctor; and the skill for agents. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program, start } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;

const quoted = program.map((word) => `'${word}'`).join(' ');

describe('watch', () => {
  it('shows both streams of a job that has ended, and exits 0 whatever its end', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'sh', '-c', 'printf äö; echo err >&2; exit 3']);
    expect(await jobs.call(['watch', String(job_id)])).toEqual({ status: 0, stdout: 'äö', stderr: 'err\n' });
  });

  it('follows live until the end', async () => {
    await using jobs = await jobsRoot();
    const gate = `${jobs.path}/gate`;
    const script = `echo first; while [ ! -e ${gate} ]; do sleep 0.05; done; echo second; echo err >&2`;
    const { job_id } = await jobs.answer(['run', '--no-wait', '--', 'sh', '-c', script]);
    const watching = start(['--root', jobs.root, 'watch', String(job_id)]);
    await eventually('the first line is there', () => watching.text.stdout === 'first\n');
    writeFileSync(gate, '');
    expect(await watching.ended).toEqual({ status: 0, stdout: 'first\nsecond\n', stderr: 'err\n' });
  });

  it('begins before the end, by lines', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'seq', '100']);
    const watch = async (...args: string[]) =>
      (await jobs.call(['watch', ...args, String(job_id)])).stdout.split('\n')[0];
    expect([await watch(), await watch('--lines', '3'), await watch('--lines', '0')]).toEqual(['51', '98', '1']);
  });

  it('Ctrl-C leaves the job alone', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'sh', '-c', 'echo here; exec sleep 30']);
    const watching = start(['--root', jobs.root, 'watch', String(job_id)]);
    await eventually('the line is there', () => watching.text.stdout === 'here\n');
    watching.child.kill('SIGINT');
    const stderr = expect.stringMatching(/^kanade: to go on here: kanade watch --cursor \S+ \w+\n$/);
    expect(await watching.ended).toMatchObject({ status: 0, stderr });
    expect(await jobs.answer(['status', String(job_id)])).toMatchObject({ state: 'running' });
  });
});

describe('watch of a log that is a link', () => {
  it.each([['0'], ['5']])('is refused with --lines %s', async (lines) => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    const log = `${jobs.root}/${job_id}/stdout.log`;
    writeFileSync(`${jobs.path}/secret`, 'secret\n');
    rmSync(log);
    symlinkSync(`${jobs.path}/secret`, log);
    const answer = await jobs.answer(['watch', '--lines', lines, String(job_id)]);
    expect(answer).toMatchObject({ status: 1, error: { code: 'io_error' } });
  });
});

describe('watch without a reader', () => {
  const watchInto = (jobs: Root, id: unknown, reader: string) =>
    jobs.call(['-c', `{ ${quoted} watch --lines 0 ${id}; echo "exit $?" >&2; } | ${reader}`], {
      words: ['bash', '--norc'],
    });

  it('ends when the reader goes while the job prints, and the job lives on', async () => {
    await using jobs = await jobsRoot();
    const script = 'while :; do echo line; sleep 0.02; done';
    const { job_id } = await jobs.answer(['run', '--no-wait', '--', 'sh', '-c', script]);
    expect(await watchInto(jobs, job_id, 'head -1')).toEqual({ status: 0, stdout: 'line\n', stderr: 'exit 0\n' });
    expect(await jobs.answer(['status', String(job_id)])).toMatchObject({ state: 'running' });
  });

  it('ends when the reader goes while the job is silent', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--until', '0', '--', 'sh', '-c', 'echo line; exec sleep 30']);
    expect(await watchInto(jobs, job_id, 'head -1')).toEqual({ status: 0, stdout: 'line\n', stderr: 'exit 0\n' });
    expect(await jobs.answer(['status', String(job_id)])).toMatchObject({ state: 'running' });
  });

  it('stays as long as somebody reads, however silent the job is', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--no-wait', '--', 'sh', '-c', 'echo line; sleep 1.3; echo end']);
    expect(await watchInto(jobs, job_id, 'cat')).toEqual({ status: 0, stdout: 'line\nend\n', stderr: 'exit 0\n' });
  });
});

describe('watch of a log that was trimmed', () => {
  it('jumps over what was not kept, and says so in one line', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'seq', '1000000', '1999999']);
    const path = `${jobs.root}/${job_id}`;
    const log = readFileSync(`${path}/stdout.log`);
    const [from, to] = [8 * 10_000, 8 * 900_000];
    writeFileSync(`${path}/stdout.log`, log.fill(0, from, to));
    writeFileSync(`${path}/omitted.json`, JSON.stringify({ stdout: [from, to] }));
    const { status, stdout, stderr } = await jobs.call(['watch', '--lines', '0', String(job_id)]);
    expect([status, stderr]).toEqual([
      0,
      `kanade: ${to - from} bytes of stdout, from byte ${from} on, were not kept\n`,
    ]);
    const lines = stdout.split('\n');
    expect([lines.length, lines[9_999], lines[10_000], lines.at(-2)]).toEqual([
      110_001,
      '1009999',
      '1900000',
      '1999999',
    ]);
    expect(await jobs.call(['watch', '--lines', '1', String(job_id)])).toEqual({
      status: 0,
      stdout: '1999999\n',
      stderr: '',
    });
  });

  it('follows a job through its restart', async () => {
    await using jobs = await jobsRoot();
    const script = 'echo "run $(wc -l < count)"; until [ -e go ]; do sleep 0.02; done; rm go; echo end';
    writeFileSync(`${jobs.path}/count`, '');
    const { job_id } = await jobs.answer(['run', '--no-wait', '--', 'sh', '-c', script]);
    writeFileSync(`${jobs.path}/go`, '');
    expect((await jobs.call(['watch', String(job_id)])).stdout).toBe('run 0\nend\n');
    writeFileSync(`${jobs.path}/count`, '\n');
    await jobs.answer(['restart', '--no-wait', String(job_id)]);
    const watching = start(['--root', jobs.root, 'watch', String(job_id)]);
    await eventually('the new run is shown', () => watching.text.stdout === 'run 1\n');
    writeFileSync(`${jobs.path}/go`, '');
    expect(await watching.ended).toMatchObject({ status: 0, stdout: 'run 1\nend\n' });
  });
});

describe('--human', () => {
  it('list is a table', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--tag', 'a', '--tag', 'b.c', '--', 'sh', '-c', 'exit 3']);
    const { status, stdout, stderr } = await jobs.call(['list', '--human']);
    expect([status, stderr]).toEqual([0, '']);
    const [head = '', row = ''] = stdout.split('\n');
    expect(head.split(/ +/)).toEqual(['short_job_id', 'state', 'exit_code', 'started_at', 'tags', 'command']);
    expect(row).toMatch(new RegExp(`^${String(job_id).slice(0, 7)} +exited +3 +\\S+Z +a b\\.c +sh -c exit 3$`));
  });

  it('says first how it ended, and success and failure do not look alike', async () => {
    await using jobs = await jobsRoot();
    const first = async (...args: string[]): Promise<string> =>
      (await jobs.call(['--human', ...args])).stdout.split('\n')[0] ?? '';
    const run = (...args: string[]): Promise<string> => first('run', ...args);
    expect(await run('--', 'true')).toMatch(/^✓ exited 0 after [\d.]+ m?s$/);
    expect(await run('--', 'sh', '-c', 'exit 3')).toMatch(/^✗ exited 3 after [\d.]+ m?s$/);
    expect(await run('--', 'sh', '-c', 'kill -9 $$')).toMatch(/^✗ killed by SIGKILL after [\d.]+ m?s$/);
    expect(await run('--timeout', '1', '--', 'sleep', '30')).toMatch(/^✗ timed out after [\d.]+ s$/);
    expect(await run('--cwd', '/nowhere', '--', 'true')).toMatch(/^✗ not started: .*\/nowhere/);
    expect(await run('--until', '0', '--', 'sleep', '30')).toBe('● running');
    const id = String(((await jobs.answer(['ps'])).jobs as { job_id: string }[])[0]?.job_id);
    expect(await first('status', id)).toBe('● running');
    expect(await first('kill', id)).toMatch(/^✓ stopped: killed by the user/);
    expect(await first('wait', id)).toMatch(/^✗ killed by the user after [\d.]+ m?s$/);
    expect(await first('kill', id)).toMatch(/^had ended before: killed by the user/);
    expect(await first('create', '--', 'true')).toBe('● created, not started yet');
    expect(await first('doctor')).toMatch(/^✓ all is well$|^✗ \d of \d checks/);
    expect(await first('gc', '--older-than', '0s', '--dry-run')).toMatch(/^would delete \d jobs?/);
  });

  it('run, status and errors are lines', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.call(['--human', 'run', '--', 'echo', 'hello']);
    expect(run.stdout).toMatch(/^job_id +[0-9a-f]{32}$/m);
    expect(run.stdout).toMatch(/^--- stdout\nhello\n$/m);
    const id = /^job_id +(\w+)$/m.exec(run.stdout)?.[1] ?? '';
    expect((await jobs.call(['status', '--human', id])).stdout).toMatch(/^state +exited$/m);
    expect(await jobs.call(['status', '--human', 'nope'])).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(/^✗ no job "nope"[\s\S]*^code {2}job_not_found$/m),
    });
  });

  it('colours are for a terminal, and not with NO_COLOR', async () => {
    await using jobs = await jobsRoot();
    await jobs.answer(['run', '--cwd', '/nowhere', '--', 'true']);
    const words = [...(JSON.parse(process.env.KANADE_PROGRAM ?? '[]') as string[]), 'list', '--all', '--human'];
    const onTerminal = (env: Record<string, string>) =>
      jobs.call([], { words: ['script', '-qec', words.join(' '), '/dev/null'], env });
    expect((await onTerminal({ NO_COLOR: '' })).stdout).toContain('\x1b[31mfailed\x1b[0m');
    expect((await onTerminal({ NO_COLOR: '1' })).stdout).not.toContain('\x1b[');
    expect((await jobs.call(['list', '--all', '--human'])).stdout).not.toContain('\x1b[');
  });

  it('a command line cannot paint the terminal', async () => {
    await using jobs = await jobsRoot();
    await jobs.answer(['run', '--', 'echo', '\x1b[31m\nx']);
    expect((await jobs.call(['list', '--human'])).stdout).toContain('echo \\u001b[31m\\nx');
  });
});

describe('doctor', () => {
  const findingsOf = async (jobs: Awaited<ReturnType<typeof jobsRoot>>, ...args: string[]) => {
    const answer = await jobs.answer(['doctor', ...args]);
    const findings = answer.findings as { name: string; ok: boolean; detail: string; fix?: string }[];
    return { answer, of: (name: string) => findings.find((finding) => finding.name === name), findings };
  };

  it('has nothing to say about a healthy root, or none yet', async () => {
    await using jobs = await jobsRoot();
    for (const make of [async () => undefined, () => jobs.answer(['run', '--', 'true'])]) {
      await make();
      const { answer, findings, of } = await findingsOf(jobs, '--data-dir', `${jobs.path}/no-agent`);
      expect(answer).toMatchObject({ status: 0, ok: true, type: 'doctor', root: jobs.root });
      expect(findings.map(({ name }) => name)).toEqual([
        'runtime',
        'root',
        'permissions',
        'disk',
        'usage',
        'control_groups',
        'hosts',
        'stale_jobs',
        'agent',
      ]);
      for (const name of ['runtime', 'root', 'permissions', 'stale_jobs']) expect(of(name)).toMatchObject({ ok: true });
    }
  });

  it('names what is wrong and how to mend it', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    writeFileSync(`${jobs.root}/${job_id}/state.json`, '{');
    mkdirSync(`${jobs.root}/nothing`);
    chmodSync(jobs.root, 0o777);
    const { answer, of } = await findingsOf(jobs);
    expect(answer.healthy).toBe(false);
    expect(of('permissions')).toMatchObject({ ok: false, fix: `chmod go-w ${jobs.root}` });
    expect(of('stale_jobs')).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^1 jobs .* 1 directories/),
      fix: expect.stringContaining(String(job_id)),
    });
  });

  it('a root that is a file', async () => {
    await using jobs = await jobsRoot();
    writeFileSync(`${jobs.path}/file`, '');
    expect((await findingsOf(jobs, '--root', 'file')).of('root')).toMatchObject({ ok: false });
  });

  it('knows the host, and a host whose root is gone', async () => {
    await using jobs = await jobsRoot();
    await jobs.answer(['run', '--no-wait', '--', 'sleep', '30']);
    const host = await eventually('the host lives', async () => {
      const { of } = await findingsOf(jobs);
      return /^process (\d+) watches/.exec(of('hosts')?.detail ?? '')?.[1];
    });
    expect(Number(host)).toBeGreaterThan(1);
    const gone = `${jobs.path}/gone`;
    mkdirSync(gone);
    const orphan = start(['_host', '--root', gone, '--idle-ms', '60000']);
    await eventually('the other host has begun', () => existsSync(`${gone}/.host/host.json`));
    rmSync(gone, { recursive: true });
    expect((await findingsOf(jobs)).of('hosts')).toMatchObject({
      ok: false,
      fix: expect.stringMatching(new RegExp(`kill .*\\b${orphan.child.pid}\\b`)),
    });
    orphan.child.kill('SIGTERM');
    await orphan.ended;
  });
});

describe('install-skills', () => {
  const files = ['SKILL.md', 'references/cli-contract.md', 'references/completion-events.md', 'references/openclaw.md'];

  it.each([
    [[], 'work/.agents', false],
    [['--claude'], 'work/.claude', false],
    [['--global'], '.agents', true],
    [['--global', '--claude'], '.claude', true],
  ])('%j writes below %s', async (options, base, global) => {
    await using jobs = await jobsRoot();
    mkdirSync(`${jobs.path}/work`);
    const path = `${jobs.path}/${base}/skills/agent-exec`;
    const lock = `${jobs.path}/${base}/.skill-lock.json`;
    expect(await jobs.answer(['install-skills', ...options], { cwd: `${jobs.path}/work` })).toMatchObject({
      status: 0,
      type: 'install_skills',
      skills: [{ name: 'agent-exec', source_type: 'embedded', path }],
      global,
      lock_file_path: lock,
    });
    const texts = files.map((file) => readFileSync(`${path}/${file}`, 'utf8'));
    expect(texts[0]).toMatch(/^---\nname: agent-exec\ndescription: .*\n---\n/);
    expect(texts[0]).toMatch(/MCP[\s\S]*command line[\s\S]*kanade run[\s\S]*kill JOB_ID` only when the user asks/);
    for (const type of ['job.finished', 'job.output.matched']) expect(texts[2]).toContain(`"event_type":"${type}"`);
    const linked = (texts[0] ?? '').match(/references\/[\w-]+\.md/g) ?? [];
    expect([...new Set(linked)].sort()).toEqual(files.slice(1).sort());
    expect(JSON.parse(readFileSync(lock, 'utf8'))).toEqual({
      skills: [{ name: 'agent-exec', source_type: 'embedded', path, installed_at: expect.stringMatching(/Z$/) }],
    });
    expect(existsSync(jobs.root)).toBe(false);
  });

  it.each([
    ['a list, whose own entry is replaced', '{"skills":[{"name":"x"},{"name":"agent-exec"}]}', ['x', 'agent-exec']],
    ['the older map', '{"skills":{"y":{"path":"/p"},"agent-exec":{}}}', ['y', 'agent-exec']],
    ['a damaged file', '{', ['agent-exec']],
    ['something else', '[1]', ['agent-exec']],
  ])('the lock file was %s', async (_name, before, names) => {
    await using jobs = await jobsRoot();
    mkdirSync(`${jobs.path}/.agents`);
    writeFileSync(`${jobs.path}/.agents/.skill-lock.json`, before);
    await jobs.answer(['install-skills']);
    await jobs.answer(['install-skills']);
    const { skills } = JSON.parse(readFileSync(`${jobs.path}/.agents/.skill-lock.json`, 'utf8'));
    expect(skills.map(({ name }: { name: string }) => name)).toEqual(names);
  });
});
