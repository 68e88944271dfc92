/** Contract, sections 2.3, 7.3 and 7.4: how jobs are found and listed. */
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeByHand } from './hand-made.ts';
import { jobsRoot } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;

/** Jobs of two directories, by hand: the later the letter, the later the start; `n` never started. Only the process of `r` lives. */
function populate({ root, path }: Root): void {
  const { pid = 0 } = spawn('sleep', ['30'], { stdio: 'ignore' }); // ended with the root, as a job
  const at = (second: number): string => `2024-05-01T00:00:0${second}Z`;
  makeByHand(root, 'a', { startedAt: at(1), cwd: path, tags: ['build'] });
  makeByHand(root, 'b', { startedAt: at(2), cwd: path, state: 'killed', tags: ['build.web', 'ci'] });
  makeByHand(root, 'c', { startedAt: at(3), cwd: path, state: 'failed', tags: ['build.web.css'] });
  makeByHand(root, 'd', { startedAt: at(4), cwd: '/', tags: ['builder'] });
  makeByHand(root, 'e', { startedAt: at(5), tags: ['ci'] });
  makeByHand(root, 'n', { startedAt: at(6), cwd: path, state: 'created' });
  makeByHand(root, 'r', { startedAt: at(7), cwd: path, state: 'running', pid });
  makeByHand(root, 's', { startedAt: at(8), cwd: path, state: 'running', pid: 2 ** 22 + 1 });
  makeByHand(root, 't', { startedAt: at(9), cwd: path, state: 'running' });
}

describe('list', () => {
  const cases: readonly (readonly [readonly string[], string, boolean])[] = [
    [[], 't s r c b a n', false],
    [['--all'], 't s r e d c b a n', false],
    [['--cwd', '/'], 'd', false],
    [['--cwd', '/nowhere'], '', false],
    [['--limit', '2'], 't s', true],
    [['--limit', '7'], 't s r c b a n', false],
    [['--limit', '0'], 't s r c b a n', false],
    [['--all', '--limit', '1'], 't', true],
    [['--state', 'exited'], 'a', false],
    [['--state', 'killed'], 'b', false],
    [['--state', 'failed'], 'c', false],
    [['--state', 'created'], 'n', false],
    [['--state', 'running'], 'r', false],
    [['--state', 'unknown'], 't s', false],
    [['--all', '--state', 'exited'], 'e d a', false],
    [['--all', '--state', 'exited', '--limit', '2'], 'e d', true],
    [['--all', '--tag', 'build'], 'a', false],
    [['--all', '--tag', 'build.*'], 'c b a', false],
    [['--all', '--tag', 'build.web'], 'b', false],
    [['--all', '--tag', 'build.web.*'], 'c b', false],
    [['--all', '--tag', 'ci'], 'e b', false],
    [['--all', '--tag', 'ci', '--tag', 'build.*'], 'b', false],
    [['--all', '--tag', 'CI'], '', false],
    [['--all', '--tag=none.*'], '', false],
  ];
  it.each(cases)('%j → %s', async (options, ids, truncated) => {
    await using jobs = await jobsRoot();
    populate(jobs);
    const answer = await jobs.answer(['list', ...options]);
    expect((answer.jobs as { job_id: string }[]).map(({ job_id }) => job_id).join(' ')).toBe(ids);
    expect(answer).toMatchObject({ type: 'list', root: jobs.root, truncated, skipped: 0 });
  });

  it.each([
    [[], 'r'],
    [['--all'], 'r'],
    [['--cwd', '/'], ''],
    [['--tag', 'ci'], ''],
  ])('ps %j → %s', async (options, ids) => {
    await using jobs = await jobsRoot();
    populate(jobs);
    const answer = await jobs.answer(['ps', ...options]);
    expect((answer.jobs as { job_id: string }[]).map(({ job_id }) => job_id).join(' ')).toBe(ids);
    expect(answer.type).toBe('list');
  });

  it('skips directories without a readable definition, and ignores what is no directory', async () => {
    await using jobs = await jobsRoot();
    populate(jobs);
    writeFileSync(`${jobs.root}/file`, '');
    mkdirSync(`${jobs.root}/empty`);
    makeByHand(jobs.root, 'broken', { cwd: jobs.path });
    writeFileSync(`${jobs.root}/broken/meta.json`, '{"job":');
    expect(await jobs.answer(['list'])).toMatchObject({ skipped: 2, jobs: { length: 7 } });
  });

  it('an entry of a job that another version made', async () => {
    await using jobs = await jobsRoot();
    const id = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
    makeByHand(jobs.root, id, { cwd: jobs.path });
    const { jobs: entries } = await jobs.answer(['list']);
    expect(entries).toEqual([
      {
        job_id: id,
        short_job_id: '01ARZ3N',
        state: 'exited',
        command: ['echo', id],
        exit_code: 0,
        created_at: '2020-01-01T00:00:00Z',
        started_at: '2020-01-01T00:00:00Z',
        finished_at: '2020-01-01T00:00:00Z',
        updated_at: '2020-01-01T00:00:00Z',
        tags: [],
      },
    ]);
  });
});

describe('ids', () => {
  const found: readonly (readonly [string, string])[] = [
    ['old-job-01', 'old-job-01'],
    ['old', 'old-job-01'],
    ['o', 'old-job-01'],
    ['abc', 'abc'],
    ['abcd', 'abcd_1'],
    ['01ARZ3NDEKTSV4RRFFQ69G5FAV', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
    ['01', '01ARZ3NDEKTSV4RRFFQ69G5FAV'],
  ];
  it.each(found)('%s means %s, in every command', async (word, id) => {
    await using jobs = await jobsRoot();
    for (const made of ['old-job-01', 'abc', 'abcd_1', '01ARZ3NDEKTSV4RRFFQ69G5FAV']) makeByHand(jobs.root, made);
    for (const command of [
      'status',
      'tail',
      'wait',
      'kill',
      'tag set',
      'notify set',
      'restart --no-auto-gc',
      'delete',
    ]) {
      const answer = await jobs.answer([...command.split(' '), word]);
      expect([command, answer.ok]).toEqual([command, true]);
      expect(JSON.stringify(answer)).toContain(`"job_id":"${id}"`);
    }
  });

  it.each([['OLD'], ['01arz3'], ['old-job-012'], ['abc/'], ['./abc'], ['*']])('%s means none', async (word) => {
    await using jobs = await jobsRoot();
    for (const made of ['old-job-01', 'abc', '01ARZ3NDEKTSV4RRFFQ69G5FAV']) makeByHand(jobs.root, made);
    expect(await jobs.answer(['status', word])).toMatchObject({ status: 1, error: { code: 'job_not_found' } });
  });

  it.each([
    [2, false],
    [20, false],
    [21, true],
    [30, true],
  ])('a prefix that %i jobs have', async (count, truncated) => {
    await using jobs = await jobsRoot();
    const ids = Array.from({ length: count }, (_, at) => `job-${String(at).padStart(2, '0')}`);
    for (const id of ids) mkdirSync(`${jobs.root}/${id}`, { recursive: true });
    const { status, error } = await jobs.answer(['status', 'job']);
    expect([status, error?.code, error?.details]).toEqual([
      1,
      'ambiguous_job_id',
      { candidates: ids.slice(0, 20), truncated },
    ]);
    const more = `... and ${count - 20} more`;
    expect(error?.message.includes(more)).toBe(truncated);
  });
});
