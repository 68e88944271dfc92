/** Contract, sections 7.1 and 7.2: what is collected and what is deleted. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type HandMade, makeByHand } from './hand-made.ts';
import { jobsRoot } from './program.ts';

const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`;
const secondsAgo = (seconds: number): string => `${new Date(Date.now() - seconds * 1000).toISOString().slice(0, 19)}Z`;

/** Four ended long ago, oldest first, one just now, one created, one with no readable state, one with no definition. */
function populate(root: string): void {
  for (const year of [1, 2, 3, 4]) makeByHand(root, `old-${year}`, { finishedAt: `200${year}-01-01T00:00:00Z` });
  makeByHand(root, 'young', { finishedAt: now() });
  makeByHand(root, 'created', { state: 'created' });
  makeByHand(root, 'damaged');
  writeFileSync(`${root}/damaged/state.json`, '{');
  mkdirSync(`${root}/empty`);
}

const namesIn = (root: string): string[] =>
  readdirSync(root)
    .filter((name) => !name.startsWith('.'))
    .sort();

describe('gc', () => {
  const kept = ['created', 'damaged', 'empty', 'young'];
  const cases: readonly (readonly [string, readonly string[], number, readonly string[]])[] = [
    ['by age alone', [], 4, []],
    ['--older-than in days', ['--older-than', '30d'], 4, []],
    ['--older-than in bare seconds', ['--older-than', '3600'], 4, []],
    ['--older-than longer than they are old', ['--older-than', '36500d'], 0, ['old-1', 'old-2', 'old-3', 'old-4']],
    ['--max-jobs keeps the newest', ['--max-jobs', '1'], 3, ['old-4']],
    ['--max-jobs that all fit in: age alone decides', ['--max-jobs', '4'], 4, []],
    ['--max-jobs 0', ['--max-jobs', '0'], 4, []],
    ['--max-bytes that all fit in', ['--max-bytes', '1000000'], 4, []],
    ['--max-bytes takes what --max-jobs would keep', ['--max-jobs', '3', '--max-bytes', '0'], 4, []],
  ];
  it.each(cases)('%s', async (_name, options, candidates, left) => {
    await using jobs = await jobsRoot();
    populate(jobs.root);
    const dry = await jobs.answer(['gc', '--dry-run', ...options]);
    expect(dry).toMatchObject({ ok: true, dry_run: true, deleted: 0, candidate_count: candidates, scanned_dirs: 8 });
    const done = await jobs.answer(['gc', ...options]);
    expect(done).toMatchObject({
      deleted: candidates,
      failed: 0,
      freed_bytes: dry.freed_bytes,
      skipped: 8 - candidates,
      out_of_scope: 8 - candidates,
    });
    expect(namesIn(jobs.root)).toEqual([...kept, ...left].sort());
  });

  it.each([
    ['45s', 60, 1],
    ['45s', 30, 0],
    ['2m', 180, 1],
    ['2m', 60, 0],
    ['1h', 3700, 1],
    ['1h', 3000, 0],
    ['0', 5, 1],
    ['0d', 5, 1],
  ])('--older-than %s and a job that ended %i s ago', async (olderThan, seconds, candidates) => {
    await using jobs = await jobsRoot();
    makeByHand(jobs.root, 'job', { finishedAt: secondsAgo(seconds) });
    expect(await jobs.answer(['gc', '--dry-run', '--older-than', olderThan])).toMatchObject({
      older_than: olderThan,
      older_than_source: 'flag',
      candidate_count: candidates,
    });
  });

  it('counts the bytes of all files of a job', async () => {
    await using jobs = await jobsRoot();
    makeByHand(jobs.root, 'large', { bytes: 100_000 });
    mkdirSync(`${jobs.root}/large/deep`);
    writeFileSync(`${jobs.root}/large/deep/file`, 'x'.repeat(50_000));
    const { freed_bytes } = await jobs.answer(['gc']);
    expect(freed_bytes).toBeGreaterThan(150_000);
    expect(freed_bytes).toBeLessThan(151_500);
  });

  it('of a root that does not exist is all zero, and makes none', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['gc'])).toMatchObject({
      deleted: 0,
      skipped: 0,
      out_of_scope: 0,
      failed: 0,
      freed_bytes: 0,
      scanned_dirs: 0,
      candidate_count: 0,
    });
    expect(existsSync(jobs.root)).toBe(false);
  });
});

describe('collection by run', () => {
  const cases: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
    ['takes what is older than 30 days', '', [], ['young']],
    ['is off with --no-auto-gc', '', ['--no-auto-gc'], ['old', 'older', 'young']],
    ['is off by the configuration', '[gc]\nauto = false\n', [], ['old', 'older', 'young']],
    ['goes by an age of the configuration', '[gc]\nolder_than = "36500d"\n', [], ['old', 'older', 'young']],
    ['options win', '[gc]\nolder_than = "36500d"\n', ['--auto-gc-older-than', '1d'], ['young']],
    ['keeps the newest', '', ['--auto-gc-max-jobs', '1'], ['old', 'young']],
    ['keeps the newest, by the configuration', '[gc]\nmax_jobs = 1\n', [], ['old', 'young']],
    ['deletes so many at once', '[gc]\ndelete_limit = 1\n', [], ['old', 'young']],
  ];
  it.each(cases)('%s', async (_name, config, options, left) => {
    await using jobs = await jobsRoot();
    const file = `${jobs.path}/config.toml`;
    writeFileSync(file, config);
    makeByHand(jobs.root, 'older', { finishedAt: '2001-01-01T00:00:00Z' });
    makeByHand(jobs.root, 'old');
    makeByHand(jobs.root, 'young', { finishedAt: now() });
    const { job_id } = await jobs.answer(['run', '--config', file, ...options, '--', 'true']);
    expect(namesIn(jobs.root)).toEqual([...left, job_id].sort());
  });

  it('takes what has become too old since the last call, however short that is ago', async () => {
    await using jobs = await jobsRoot();
    await jobs.answer(['run', '--', 'true']);
    makeByHand(jobs.root, 'old');
    await jobs.answer(['run', '--', 'true']);
    expect(existsSync(`${jobs.root}/old`)).toBe(false);
  });

  it.each(['start', 'restart'])('%s collects too, create does not', async (command) => {
    await using jobs = await jobsRoot();
    makeByHand(jobs.root, 'old');
    const { job_id } = await jobs.answer(['create', '--', 'true']);
    expect(existsSync(`${jobs.root}/old`)).toBe(true);
    await jobs.answer([command, String(job_id)]);
    expect(namesIn(jobs.root)).toEqual([job_id]);
  });
});

describe('delete', () => {
  const here: HandMade = { finishedAt: now() };
  it('--all takes ended jobs of the directory, and says of each what became of it', async () => {
    await using jobs = await jobsRoot();
    const cwd = jobs.path;
    for (const state of ['exited', 'killed', 'failed', 'created'])
      makeByHand(jobs.root, state, { ...here, state, cwd });
    makeByHand(jobs.root, 'elsewhere', { ...here, cwd: '/' });
    makeByHand(jobs.root, 'nowhere', here);
    makeByHand(jobs.root, 'damaged', { ...here, cwd });
    writeFileSync(`${jobs.root}/damaged/state.json`, '{');
    const { job_id: running } = await jobs.answer(['run', '--no-wait', '--', 'sleep', '30']);
    const fates = async (...options: string[]) => {
      const answer = await jobs.answer(['delete', '--all', ...options]);
      expect(answer).toMatchObject({ cwd_scope: cwd, skipped: 3, out_of_scope: 2, failed: 0 });
      const entries = answer.jobs as { job_id: string; state: string; action: string; reason: string }[];
      return [answer.deleted, entries.map((job) => `${job.job_id} ${job.state} ${job.action} ${job.reason}`).sort()];
    };
    const fateOf = (action: string) =>
      [
        ...['exited', 'killed', 'failed'].map((state) => `${state} ${state} ${action} terminal_in_cwd`),
        'created created skipped created',
        'damaged unknown skipped state_unreadable',
        `${running} running skipped running`,
      ].sort();
    expect(await fates('--dry-run')).toEqual([0, fateOf('would_delete')]);
    expect(await fates()).toEqual([3, fateOf('deleted')]);
    expect(namesIn(jobs.root)).toEqual(['created', 'damaged', 'elsewhere', 'nowhere', String(running)].sort());
  });

  it.each(['created', 'exited', 'killed', 'failed'])('of one that is %s', async (state) => {
    await using jobs = await jobsRoot();
    makeByHand(jobs.root, 'old-job-01', { state });
    expect(await jobs.answer(['delete', 'old'])).toMatchObject({
      dry_run: false,
      deleted: 1,
      skipped: 0,
      out_of_scope: 0,
      failed: 0,
      jobs: [{ job_id: 'old-job-01', state, action: 'deleted', reason: 'explicit_delete' }],
    });
    expect(namesIn(jobs.root)).toEqual([]);
  });

  it('never of a directory without a definition', async () => {
    await using jobs = await jobsRoot();
    mkdirSync(`${jobs.root}/nothing`, { recursive: true });
    expect(await jobs.answer(['delete', 'nothing'])).toMatchObject({ status: 1, error: { code: 'invalid_state' } });
    expect(await jobs.answer(['status', 'nothing'])).toMatchObject({ status: 1, error: { code: 'internal_error' } });
    expect(namesIn(jobs.root)).toEqual(['nothing']);
  });

  it('--all of a root that does not exist', async () => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(['delete', '--all'])).toMatchObject({ ok: true, deleted: 0, jobs: [] });
    expect(existsSync(jobs.root)).toBe(false);
  });
});
