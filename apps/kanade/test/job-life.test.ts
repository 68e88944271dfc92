import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jobsRoot } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;
const idOf = (value: Record<string, unknown>): string => String(value.job_id);

/** Writes into a job's state as if it had ended long ago. */
function ageJob(jobs: Root, id: string, finished: string): void {
  const path = `${jobs.root}/${id}/state.json`;
  const state = JSON.parse(readFileSync(path, 'utf8'));
  writeFileSync(path, JSON.stringify({ ...state, finished_at: finished, updated_at: finished }));
}

describe('create, start, restart', () => {
  it('a created job waits until it is started, once', async () => {
    await using jobs = await jobsRoot();
    const created = await jobs.answer([
      'create',
      '--env',
      'X=kept',
      '--stdin',
      'in',
      '--',
      'sh',
      '-c',
      'cat; echo "$X"',
    ]);
    expect(created).toMatchObject({ type: 'create', state: 'created' });
    expect(await jobs.answer(['status', idOf(created)])).toMatchObject({ state: 'created' });
    expect(await jobs.answer(['kill', idOf(created)])).toMatchObject({ status: 1, error: { code: 'invalid_state' } });
    expect(await jobs.answer(['start', idOf(created)])).toMatchObject({
      type: 'start',
      state: 'exited',
      stdout: 'inkept\n',
    });
    expect(await jobs.answer(['start', idOf(created)])).toMatchObject({ status: 1, error: { code: 'invalid_state' } });
    expect(await jobs.answer(['restart', idOf(created)])).toMatchObject({
      type: 'restart',
      state: 'exited',
      stdout: 'inkept\n',
    });
  });

  it('restart stops what runs, and the new run answers for itself', async () => {
    await using jobs = await jobsRoot();
    const first = await jobs.answer(['run', '--', 'sh', '-c', 'echo $$; exec sleep 60']);
    const again = await jobs.answer(['restart', idOf(first)]);
    expect(again).toMatchObject({ state: 'running', job_id: first.job_id });
    expect(again.stdout).not.toBe(first.stdout);
    await eventually('the former run is gone', () => !existsSync(`/proc/${String(first.stdout).trim()}`));
  });

  it('a run’s variables survive a restart and stand in no process list', async () => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer([
      'run',
      '--env',
      'SECRET=s3cret',
      '--mask',
      'SECRET',
      '--no-wait',
      '--',
      'sh',
      '-c',
      'printf "%s" "$SECRET" | wc -c; sleep 30',
    ]);
    expect(JSON.stringify(run)).not.toContain('s3cret');
    const pid = JSON.parse(readFileSync(`${jobs.root}/${idOf(run)}/state.json`, 'utf8')).pid;
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('s3cret');
    expect(statSync(`${jobs.root}/${idOf(run)}`).mode & 0o777).toBe(0o700);
    expect(statSync(`${jobs.root}/${idOf(run)}/meta.json`).mode & 0o777).toBe(0o600);
    expect(await jobs.answer(['restart', idOf(run)])).toMatchObject({ stdout: '6\n' });
  });
});

describe('tag set, notify set, ps', () => {
  it('tags are replaced, and filter', async () => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--tag', 'a', '--', 'true']));
    expect(await jobs.answer(['tag', 'set', id, '--tag', 'b', '--tag', 'c', '--tag', 'b'])).toMatchObject({
      type: 'tag_set',
      tags: ['b', 'c'],
    });
    expect(await jobs.answer(['list', '--tag', 'a'])).toMatchObject({ jobs: [] });
    expect(await jobs.answer(['tag', 'set', id])).toMatchObject({ tags: [] });
  });

  it('ps shows what runs', async () => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--no-wait', '--', 'sleep', '30']));
    await jobs.answer(['run', '--', 'true']);
    expect(await jobs.answer(['ps'])).toMatchObject({ type: 'list', jobs: [{ job_id: id, state: 'running' }] });
  });

  it('sinks are told when a job has ended after the call, and about lines that match', async () => {
    await using jobs = await jobsRoot();
    const gate = `${jobs.path}/gate`;
    const script = `echo first error; while [ ! -e ${gate} ]; do sleep 0.05; done; echo second error; exit 4`;
    const run = await jobs.answer([
      'run',
      '--until',
      '0',
      '--notify-file',
      `${jobs.path}/ends`,
      '--',
      'sh',
      '-c',
      script,
    ]);
    await eventually('the first line is there', () => readFileSync(String(run.stdout_log_path), 'utf8') !== '');
    expect(
      await jobs.answer([
        'notify',
        'set',
        idOf(run),
        '--output-pattern',
        'error',
        '--output-file',
        `${jobs.path}/matches`,
      ]),
    ).toMatchObject({
      type: 'notify.set',
      notification: {
        notify_file: `${jobs.path}/ends`,
        on_output_match: { pattern: 'error', match_type: 'contains', stream: 'either' },
      },
    });
    writeFileSync(gate, '');
    const event = await eventually(
      'the end is told',
      () => (existsSync(`${jobs.path}/ends`) && readFileSync(`${jobs.path}/ends`, 'utf8')) || undefined,
    );
    expect(JSON.parse(event)).toMatchObject({ event_type: 'job.finished', job_id: run.job_id, exit_code: 4 });
    const matches = readFileSync(`${jobs.path}/matches`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).line);
    expect(matches).toEqual(['second error']);
  });
});

describe('delete and gc', () => {
  it('delete takes ended jobs, never a running one, never anything else', async () => {
    await using jobs = await jobsRoot();
    const ended = idOf(await jobs.answer(['run', '--', 'true']));
    const running = idOf(await jobs.answer(['run', '--no-wait', '--', 'sleep', '30']));
    expect(await jobs.answer(['delete', '--dry-run', ended])).toMatchObject({
      dry_run: true,
      deleted: 0,
      jobs: [{ action: 'would_delete' }],
    });
    expect(await jobs.answer(['rm', ended])).toMatchObject({
      type: 'delete',
      deleted: 1,
      jobs: [{ job_id: ended, action: 'deleted', reason: 'explicit_delete' }],
    });
    expect(await jobs.answer(['delete', running])).toMatchObject({ status: 1, error: { code: 'invalid_state' } });
    mkdirSync(`${jobs.root}/precious`);
    writeFileSync(`${jobs.root}/precious/file`, 'x');
    for (const id of ['', '..', '/', jobs.path, 'precious']) expect((await jobs.answer(['delete', id])).status).toBe(1);
    expect(existsSync(`${jobs.root}/precious/file`)).toBe(true);
    expect(existsSync(`${jobs.root}/${running}`)).toBe(true);
  });

  it('delete --all stays in its directory', async () => {
    await using jobs = await jobsRoot();
    await jobs.answer(['run', '--', 'true']);
    await jobs.answer(['run', '--cwd', '/', '--', 'true']);
    expect(await jobs.answer(['delete', '--all'])).toMatchObject({
      cwd_scope: jobs.path,
      deleted: 1,
      skipped: 0,
      out_of_scope: 1,
    });
    expect((await jobs.call(['delete', '--all', 'x'])).status).toBe(2);
    expect((await jobs.call(['delete'])).status).toBe(2);
  });

  it('gc goes by age, and counts add up', async () => {
    await using jobs = await jobsRoot();
    const old = idOf(await jobs.answer(['run', '--', 'true']));
    ageJob(jobs, old, '2020-01-01T00:00:00Z');
    const fresh = idOf(await jobs.answer(['run', '--no-auto-gc', '--', 'true']));
    expect(await jobs.answer(['gc', '--dry-run'])).toMatchObject({
      dry_run: true,
      older_than: '30d',
      older_than_source: 'default',
      deleted: 0,
      candidate_count: 1,
      scanned_dirs: 2,
    });
    const done = await jobs.answer(['gc', '--older-than', '7d']);
    expect(done).toMatchObject({ deleted: 1, skipped: 1, out_of_scope: 1, failed: 0, older_than_source: 'flag' });
    expect(done.jobs).toBeUndefined();
    expect([existsSync(`${jobs.root}/${old}`), existsSync(`${jobs.root}/${fresh}`)]).toEqual([false, true]);
    expect(await jobs.answer(['gc', '--older-than', 'soon'])).toMatchObject({
      status: 1,
      error: { code: 'internal_error' },
    });
  });

  it('run collects old jobs by itself, whatever lock a dead process left', async () => {
    await using jobs = await jobsRoot();
    const old = idOf(await jobs.answer(['run', '--', 'true']));
    ageJob(jobs, old, '2020-01-01T00:00:00Z');
    writeFileSync(`${jobs.root}/.gc.lock`, '');
    const longAgo = new Date('2020-01-01');
    utimesSync(`${jobs.root}/.gc.lock`, longAgo, longAgo); // one that is empty and new is being made
    await jobs.answer(['run', '--no-auto-gc', '--', 'true']);
    expect(existsSync(`${jobs.root}/${old}`)).toBe(true);
    await jobs.answer(['run', '--', 'true']);
    expect(existsSync(`${jobs.root}/${old}`)).toBe(false);
    expect(existsSync(`${jobs.root}/.gc.lock`)).toBe(false);
  });
});

describe('limits', () => {
  it('refuses a job that its root has no room for, before anything is made', async () => {
    await using jobs = await jobsRoot();
    const config = `${jobs.path}/config.toml`;
    writeFileSync(config, '[limits]\njobs = 1\n');
    const { job_id } = await jobs.answer(['run', '--config', config, '--', 'true']);
    for (const command of ['run', 'create'])
      expect(await jobs.answer([command, '--config', config, '--', 'true'])).toMatchObject({
        status: 1,
        error: { code: 'root_full', details: { limit: 'jobs', maximum: 1, actual: 1 } },
      });
    await jobs.answer(['delete', String(job_id)]);
    expect(await jobs.answer(['run', '--config', config, '--', 'true'])).toMatchObject({ state: 'exited' });
  });

  it('keeps the first and the last part of what a job prints, and status says what is missing', async () => {
    await using jobs = await jobsRoot();
    const script = 'seq 1 2000000; until [ -e go ]; do sleep 0.05; done';
    const options = ['--log-bytes-max', '1000000', '--cwd', jobs.path, '--no-wait'];
    const { job_id } = await jobs.answer(['run', ...options, '--', 'sh', '-c', script]);
    const omitted = await eventually('the middle was given back', async () => {
      const status = await jobs.answer(['status', String(job_id)]);
      expect(status).toMatchObject({ state: 'running', log_bytes_max: 1_000_000 });
      const range = (status.log_omitted as { stdout?: [number, number] } | undefined)?.stdout;
      return status.log_bytes === 14_888_896 && range && range[1] > 14_000_000 && range;
    });
    writeFileSync(`${jobs.path}/go`, '');
    await jobs.answer(['wait', String(job_id)]);
    expect(omitted[0]).toBeGreaterThan(100_000);
    expect(await jobs.answer(['tail', '--tail-lines', '1', String(job_id)])).toMatchObject({ stdout: '2000000\n' });
    expect(await jobs.answer(['status', String(job_id)])).toMatchObject({
      exit_code: 0,
      log_omitted: { stdout: omitted },
    });
  });

  it('says which limit in a configuration file makes no sense', async () => {
    await using jobs = await jobsRoot();
    const config = `${jobs.path}/config.toml`;
    writeFileSync(config, '[limits]\nlog_overflow = "burn"\n');
    expect(await jobs.answer(['run', '--config', config, '--', 'true'])).toMatchObject({
      error: { code: 'config_error', message: expect.stringContaining('limits.log_overflow must be "trim" or "stop"') },
    });
  });
});

describe('configuration and form of answers', () => {
  it('takes the shell from the configuration file, and says what is wrong in it', async () => {
    await using jobs = await jobsRoot();
    const config = `${jobs.path}/config.toml`;
    const shell = `${jobs.path}/shell`;
    writeFileSync(shell, '#!/bin/sh\necho "by $0"\n');
    chmodSync(shell, 0o755);
    writeFileSync(config, `[shell]\nunix = [${JSON.stringify(shell)}]\n`);
    expect(await jobs.answer(['run', '--config', config, '--', 'true'])).toMatchObject({ stdout: `by ${shell}\n` });
    for (const [text, code] of [
      ['[gc', 'config_error'],
      ['[shell]\nunix = "sh -c"', 'config_error'],
      ['[shell]\nunix = []', 'internal_error'],
    ] as const) {
      writeFileSync(config, `${text}\n`);
      const refused = await jobs.answer(['run', '--config', config, '--', 'true']);
      expect(refused).toMatchObject({ status: 1, error: { code } });
    }
    expect(await jobs.answer(['run', '--config', `${jobs.path}/none`, '--', 'true'])).toMatchObject({ ok: true });
  });

  it('--yaml prints one YAML document, before or after the command', async () => {
    await using jobs = await jobsRoot();
    const { stdout } = await jobs.call(['run', '--yaml', '--', 'echo', 'x']);
    expect(parse(stdout)).toMatchObject({ ok: true, type: 'run', stdout: 'x\n' });
    expect(parse((await jobs.call(['--yaml', 'list'])).stdout)).toMatchObject({ type: 'list' });
  });

  it('--log writes the combined log somewhere else', async () => {
    await using jobs = await jobsRoot();
    const log = `${jobs.path}/deep/combined.log`;
    await jobs.answer(['run', '--log', log, '--', 'sh', '-c', 'echo a; echo b >&2']);
    expect(readFileSync(log, 'utf8')).toMatch(/^\S+Z \[STDOUT\] a\n\S+Z \[STDERR\] b\n$/);
  });

  it.each(['manifest', 'schedule', 'notification'])('schema %s prints the schema of that document', async (name) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['schema', name])).toMatchObject({
      schema: { title: expect.stringContaining(name), type: 'object' },
    });
    expect((await jobs.call(['schema', `${name}s`])).status).toBe(2);
  });

  it('schema prints a draft-07 document', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['schema'])).toMatchObject({
      type: 'schema',
      schema_format: 'json-schema-draft-07',
      schema: { definitions: { WaitResponse: expect.anything() } },
    });
  });
});
