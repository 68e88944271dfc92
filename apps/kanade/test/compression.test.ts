/** `--compress` from the far end; what docs/guide/compression.md tells to call, line by line. */
import { appendFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { strictJobResponse } from '@kanade/shared/job';
import { describe, expect, it } from 'vitest';
import { type Json, jobsRoot } from './program.ts';

type Compression = Json & { stdout: string; left_out?: { range: [number, number]; get: string }[] };
const compressionOf = (answer: Json): Compression | undefined => answer.compression as Compression | undefined;

const noisy = 'seq 1 400; echo "error: disk full"; seq 401 800';

describe('run', () => {
  it('shows the error, says which bytes are left out, and the call that prints them', async () => {
    await using jobs = await jobsRoot();
    const { status, ...answer } = await jobs.answer(['run', '--compress', 'errors', '--', 'sh', '-c', noisy]);
    expect(strictJobResponse(answer)).toEqual({ ok: true, value: answer });
    const compression = compressionOf(answer);
    expect(compression).toMatchObject({
      ...{ mode: 'errors', applied: true, detected_kind: 'errors', omitted: true },
      ...{ stdout: 'error: disk full', stderr: '', strategy: ['failure-focus', 'truncation'] },
      left_out: [{ stream: 'stdout', lines: 800, error_lines: 0 }],
    });
    const [part] = compression?.left_out ?? [];
    const words = String(part?.get).split(' ').slice(1);
    const raw = await jobs.answer(words);
    expect(raw).toMatchObject({ status: 0, stdout: answer.stdout, stdout_range: [part?.range[0], part?.range[1]] });
    expect(raw.compression).toBeUndefined();
  });

  it.each([
    ['as words', ['git', 'status', '--porcelain', '-C'], 'git-status'],
    ['as one string', ['cd . && ls -la / | head -100'], 'list'],
    ['behind a login shell', ['bash', '-lc', 'printenv || true'], 'env'],
  ])('routes by a command given %s', async (_name, command, kind) => {
    await using jobs = await jobsRoot();
    const answer = await jobs.answer(['run', '--compress', 'route', '--', ...command]);
    expect(compressionOf(answer)).toMatchObject({ mode: 'route', detected_kind: kind });
  });

  it.each([
    [undefined, [], 'seq 3000', 'route'],
    [undefined, [], 'echo short', undefined],
    ['errors', [], 'echo short', 'errors'],
    ['off', [], 'seq 3000', undefined],
    ['errors', ['--compress', 'summary'], 'echo short', 'summary'],
    ['errors', ['--rtk', 'off'], 'seq 3000', undefined],
  ])('configuration %s, options %j, %j: mode %s', async (configured, options, command, mode) => {
    await using jobs = await jobsRoot();
    mkdirSync(`${jobs.path}/agent-exec`);
    if (configured) {
      writeFileSync(`${jobs.path}/agent-exec/config.toml`, `[compression]\ndefault = "${configured}"\n`);
    }
    const env = { XDG_CONFIG_HOME: jobs.path };
    const ran = await jobs.answer(['run', ...options, '--', command], { env });
    const tailed = await jobs.answer(['tail', ...options, '--lines', '0', String(ran.job_id)], { env });
    expect([compressionOf(ran)?.mode, compressionOf(tailed)?.mode]).toEqual([mode, mode]);
  });

  it('shows people the view that was asked for', async () => {
    await using jobs = await jobsRoot();
    const asked = await jobs.call(['run', '--human', '--compress', 'errors', '--', 'sh', '-c', noisy]);
    expect(asked.stdout).toContain('--- stdout (shorter view, errors)\nerror: disk full\n');
    expect(asked.stdout).not.toContain('400');
    const plain = await jobs.call(['run', '--human', '--', 'sh', '-c', noisy]);
    expect(plain.stdout).toContain('400\nerror: disk full\n401\n');
  });
});

describe('--whole', () => {
  it('finds the error in the middle of a log that no answer has room for', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'true']);
    const line = 'a line of output that says nothing at all\n'.repeat(100_000);
    writeFileSync(`${jobs.root}/${job_id}/stdout.log`, `${line}error: disk full\n${line}`);
    const answer = await jobs.answer(['tail', '--whole', '--compress', 'errors', '--max-bytes', '0', String(job_id)]);
    expect(answer).toMatchObject({ status: 0, stdout: '', stdout_total_bytes: 2 * line.length + 17 });
    expect(compressionOf(answer)).toMatchObject({
      ...{ stdout: 'error: disk full', stdout_original_bytes: 2 * line.length + 17 },
      left_out: [{ range: [0, 2 * line.length + 17], lines: 200_000, error_lines: 0 }],
    });
  });

  it('reads what is no text', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'echo', 'x']);
    truncateSync(`${jobs.root}/${job_id}/stdout.log`, 3_000_000);
    const answer = await jobs.answer(['tail', '--whole', '--max-bytes', '0', String(job_id)]);
    expect(compressionOf(answer)).toMatchObject({ applied: true, stdout_original_bytes: 3_000_000 });
  });

  it('gives the same bytes when the log has grown meanwhile', async () => {
    await using jobs = await jobsRoot();
    const { job_id } = await jobs.answer(['run', '--', 'seq', '3000']);
    const log = `${jobs.root}/${job_id}/stdout.log`;
    const before = readFileSync(log, 'utf8');
    const answer = await jobs.answer(['tail', '--whole', '--max-bytes', '0', String(job_id)]);
    const [part] = compressionOf(answer)?.left_out ?? [];
    appendFileSync(log, 'more\n'.repeat(500));
    const { stdout } = await jobs.answer(String(part?.get).split(' ').slice(1));
    expect(stdout).toBe(before.slice(...(part?.range ?? [])));
    expect(stdout).toMatch(/^11\n12\n[\s\S]*\n2989\n2990\n$/);
  });

  it('is no view of none', async () => {
    await using jobs = await jobsRoot();
    const refused = await jobs.call(['tail', '--whole', '--compress', 'off', 'x']);
    expect(refused).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('--compress off makes none'),
    });
  });
});

const page = readFileSync(new URL('../../../docs/guide/compression.md', import.meta.url), 'utf8');
const [, block = ''] = /^```sh\n([\s\S]*?)^```$/m.exec(page) ?? [];

it.each(block.trim().split('\n'))('the guide: %s', async (line) => {
  await using jobs = await jobsRoot();
  const { job_id } = await jobs.answer(['run', '--', 'seq', '3000']);
  const words = [...line.replace('3f2a9c1', String(job_id)).matchAll(/'([^']*)'|\S+/g)].map(
    ([word, inner]) => inner ?? word,
  );
  expect(words.shift()).toBe('kanade');
  expect(await jobs.answer(words)).toMatchObject({ status: 0, ok: true });
});
