/** The tools of `kanade mcp`, called with the official clients of both eras (contract, section 8.2). */
import { existsSync, writeFileSync } from 'node:fs';
import { jobResponses, readAs } from '@kanade/shared/job';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { makeByHand } from '../hand-made.ts';
import { jobsRoot } from '../program.ts';
import { connect, eras } from './clients.ts';

describe.each(eras)('a client of %s', (era) => {
  it('runs a job, looks at it, waits for it and kills another, as the command line says it', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connect(era, jobs);
    const { tools } = await mcp.client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['run', 'status', 'tail', 'wait', 'kill']);

    const ran = await mcp.call('run', { command: ['sh', '-c', 'echo out; echo err >&2; exit 3'], env: { A: 'b' } });
    expect(ran).toMatchObject({
      ok: true,
      type: 'run',
      state: 'exited',
      exit_code: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(readAs(jobResponses.run, ran).ok).toBe(true);
    expect(ran.compression).toMatchObject({ mode: 'route' });
    const id = String(ran.job_id);
    for (const tool of ['status', 'tail', 'wait'] as const) {
      const told = await mcp.call(tool, { job_id: id.slice(0, 8) });
      const { status: _, compression: _other, ...said } = await jobs.answer([tool, id]);
      expect(told).toMatchObject(said);
    }

    const long = await mcp.call('run', { command: ['sleep', '60'], until: 0 });
    expect(long).toMatchObject({ state: 'running', waited_ms: 0 });
    expect(await mcp.call('wait', { job_id: long.job_id, until: 0 })).toMatchObject({ type: 'wait', state: 'running' });
    expect(await mcp.call('kill', { job_id: long.job_id })).toMatchObject({
      type: 'kill',
      signal: 'TERM',
      state: 'killed',
      survivors: [],
    });
  });

  it('reads on from a cursor, also with another server, and returns for a line', async () => {
    await using jobs = await jobsRoot();
    const go = `${jobs.path}/go`;
    const script = `echo one; while ! test -e ${go}; do sleep 0.05; done; echo two; exec sleep 60`;
    const { job_id: id } = await jobs.answer(['run', '--until', '0', '--', 'sh', '-c', script]);
    let cursor: unknown;
    {
      await using first = await connect(era, jobs);
      const found = await first.call('wait', { job_id: id, match: 'n', until: 50 });
      expect(found).toMatchObject({ state: 'running', matched: { stream: 'stdout', line: 'one', offset: 0 } });
      cursor = found.cursor;
    }
    await using second = await connect(era, jobs);
    await jobs.answer(['run', '--', 'touch', go]);
    const given = { job_id: id, cursor, match: '^t.o$', match_type: 'regex', until: 50 };
    expect(await second.call('wait', given)).toMatchObject({ stdout: 'two\n', matched: { line: 'two', offset: 4 } });
    expect(await second.call('tail', { job_id: id, cursor })).toMatchObject({ stdout: 'two\n', stdout_range: [4, 8] });
    expect(await second.call('tail', { job_id: id, cursor: 'x' })).toMatchObject({ error: { code: 'invalid_cursor' } });
    expect(await second.call('wait', { job_id: id, match: '(', match_type: 'regex' })).toMatchObject({
      error: { code: 'invalid_pattern' },
    });
  });

  it('gives input, directory and variables to the job; old jobs go as they do after a run of the command line', async () => {
    await using jobs = await jobsRoot();
    makeByHand(jobs.root, 'old');
    await using mcp = await connect(era, jobs);
    const echoed = await mcp.call('run', { command: ['cat'], stdin: '-' });
    expect([echoed.stdout, existsSync(`${jobs.root}/old`)]).toEqual(['-', false]);
    const shown = await mcp.call('run', {
      command: ['sh', '-c', 'cat; pwd; echo $V'],
      stdin_file: '/etc/hostname',
      cwd: '/',
      env: { V: 'x=y' },
    });
    expect(String(shown.stdout)).toMatch(/^[^\n]+\n\/\nx=y\n$/);
  });

  it('puts a job into line, whose cursor begins before its first word', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connect(era, jobs);
    const go = `until [ -e ${jobs.path}/go ]; do sleep 0.01; done`;
    const first = await mcp.call('run', { command: [go], until: 0 });
    const after = [String(first.job_id).slice(0, 12)];
    const second = await mcp.call('run', { command: ['echo', 'x'], queue: 'q', after, until: 0 });
    expect(second).toMatchObject({ state: 'created', queue: 'q', waits_for: [first.job_id] });
    writeFileSync(`${jobs.path}/go`, '');
    const told = await mcp.call('wait', { job_id: second.job_id, cursor: second.cursor });
    expect(told).toMatchObject({ state: 'exited', stdout: 'x\n', ended: true });
    const lost = await mcp.call('run', { command: ['true'], after: ['nobody'] });
    expect(lost).toMatchObject({ error: { code: 'job_not_found' } });
    const unnamed = await mcp.call('run', { command: ['true'], queue: 'a b' });
    expect(unnamed).toMatchObject({ error: { code: 'invalid_input' } });
  });

  it('refuses what makes no sense, and makes no job of it', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connect(era, jobs);
    const senseless: [string, Record<string, unknown>, RegExp][] = [
      ['run', { command: [] }, /command is empty/],
      ['run', { command: ['a', ''] }, /empty word/],
      ['run', { command: ['a\0b'] }, /NUL/],
      ['run', { command: ['a'], cwd: 'x\0y' }, /NUL/],
      ['run', { command: ['a'], env: { '': 'x' } }, /env has a key/],
      ['run', { command: ['a'], env: { 'a=b': 'x' } }, /env has a key/],
      ['run', { command: ['a'], env: { a: 'x\0' } }, /NUL/],
      ['run', { command: ['a'], stdin: 'x', stdin_file: '/dev/null' }, /exclude each other/],
      ['run', { command: ['a'], until: 10 ** 15 + 1 }, /at most 10\^15/],
      ['wait', { job_id: 'x', until: 10 ** 15 + 1 }, /at most 10\^15/],
      ['tail', { job_id: 'x', max_bytes: 2 ** 30 }, /at most 1048576/],
      ['tail', { job_id: 'x', cursor: 'x', lines: 1 }, /exclude each other/],
      ['wait', { job_id: 'x', match: 'a\nb' }, /cannot have a newline/],
      ['wait', { job_id: 'x', stream: 'stdout' }, /give it, too/],
    ];
    for (const [tool, given, why] of senseless)
      expect(await mcp.call(tool, given)).toEqual({ isError: true, message: expect.stringMatching(why) });
    const malformed: [string, Record<string, unknown>][] = [
      ['run', {}],
      ['run', { command: 'make' }],
      ['run', { command: ['a'], until: 1.5 }],
      ['run', { command: ['a'], until: -1 }],
      ['run', { command: ['a'], timeout: 2 ** 64 }],
      ['run', { command: ['a'], wait: true }],
      ['wait', { job_id: 'x', forever: true }],
      ['status', {}],
      ['status', { job_id: 7 }],
      ['start', { job_id: 'x' }],
    ];
    for (const [tool, given] of malformed) await expect(mcp.call(tool, given)).rejects.toMatchObject({ code: -32_602 });
    expect(await jobs.answer(['list', '--all'])).toMatchObject({ jobs: [] });
  });

  it('answers what cannot be done with the error of the command line, without its details', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connect(era, jobs);
    const created = await jobs.answer(['create', '--', 'true']);
    const codes: [string, Record<string, unknown>, string][] = [
      ['status', { job_id: 'no-such-job' }, 'job_not_found'],
      ['tail', { job_id: '' }, 'job_not_found'],
      ['wait', { job_id: '..' }, 'job_not_found'],
      ['kill', { job_id: '/etc' }, 'job_not_found'],
      ['status', { job_id: '../jobs' }, 'job_not_found'],
      ['status', { job_id: 'a\0b' }, 'job_not_found'],
      ['kill', { job_id: created.job_id }, 'invalid_state'],
      ['run', { command: ['cat'], stdin_file: '/no/such/file' }, 'internal_error'],
      ['run', { command: ['cat'], stdin_file: '/dev/zero' }, 'internal_error'],
    ];
    for (const [tool, given, code] of codes)
      expect(await mcp.call(tool, given)).toMatchObject({
        ok: false,
        type: 'error',
        error: { code, retryable: false },
      });
    await eventually('two ids that begin alike', async () => {
      const { job_id: id } = await mcp.call('run', { command: ['true'] });
      return String(id).startsWith(String(created.job_id).slice(0, 1));
    });
    const told = await mcp.call('status', { job_id: String(created.job_id).slice(0, 1) });
    expect(told.error?.code).toBe('ambiguous_job_id');
    expect(told.error).not.toHaveProperty('details');
  });

  it('waits no longer than the environment lets it, and says so', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connect(era, jobs, {
      env: { AGENT_EXEC_MCP_MAX_UNTIL_SECONDS: '0', AGENT_EXEC_MCP_DEFAULT_UNTIL_SECONDS: '7' },
    });
    const ran = await mcp.call('run', { command: ['sleep', '60'] });
    expect(ran).toMatchObject({ state: 'running', waited_ms: 0, until_capped_at: 0 });
    expect(await mcp.call('wait', { job_id: ran.job_id, until: 60 })).toMatchObject({
      state: 'running',
      until_capped_at: 0,
    });
  });

  it('tells how it stands while it waits, when it is asked to', async () => {
    await using jobs = await jobsRoot();
    await using mcp = await connect(era, jobs);
    const { job_id: id } = await mcp.call('run', { command: ['sh', '-c', 'echo 1234; read x'], stdin: '', until: 0 });
    const told: { progress: number; message?: string }[] = [];
    const onprogress = (progress: { progress: number; message?: string }) => void told.push(progress);
    const { job_id: silent } = await mcp.call('run', { command: ['sleep', '60'], until: 0 });
    const waiting = mcp.call('wait', { job_id: silent, until: 40 }, { onprogress });
    await eventually('progress', () => told.length > 0);
    expect(told[0]).toMatchObject({
      progress: expect.any(Number),
      message: `${String(silent).slice(0, 7)}: 0 bytes printed`,
    });
    await mcp.call('kill', { job_id: silent });
    expect(await waiting).toMatchObject({ state: 'killed' });
    expect(await mcp.call('wait', { job_id: id })).toMatchObject({ state: 'exited' });
  });
});

it('tells of each tool whether it changes anything, and of what shape its answers are', async () => {
  await using jobs = await jobsRoot();
  await using mcp = await connect('2026-07-28', jobs);
  const { tools } = await mcp.client.listTools();
  expect(
    tools.map(({ name, annotations }) => `${name} ${annotations?.readOnlyHint} ${annotations?.destructiveHint}`),
  ).toEqual(['run false true', 'status true false', 'tail true false', 'wait true false', 'kill false true']);
  const [run] = tools;
  expect(run?.inputSchema).toMatchObject({
    type: 'object',
    required: ['command'],
    additionalProperties: false,
    properties: {
      stdin: { type: 'string', description: expect.any(String) },
      stdin_file: { type: 'string', description: expect.stringContaining('local to the server') },
    },
  });
  for (const tool of tools) expect(tool.outputSchema).toMatchObject({ type: 'object' });
});

it.each([
  ['AGENT_EXEC_MCP_DEFAULT_UNTIL_SECONDS', 'ten'],
  ['AGENT_EXEC_MCP_DEFAULT_UNTIL_SECONDS', ''],
  ['AGENT_EXEC_MCP_MAX_UNTIL_SECONDS', '-1'],
  ['AGENT_EXEC_MCP_MAX_UNTIL_SECONDS', '1000000000000001'],
])('does not start with %s=%j, and says why on stderr alone', async (name, value) => {
  await using jobs = await jobsRoot();
  const { status, stdout, stderr } = await jobs.call(['mcp'], { env: { [name]: value } });
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toContain(name);
});
