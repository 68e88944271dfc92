/** Looking is cheap: `status`, `list` and `tail` read each file of a job at most once. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { jobsRoot } from './program.ts';

const preload = fileURLToPath(new URL('./count-reads.cjs', import.meta.url));

it('each file of a job at most once, whatever its state', async () => {
  await using jobs = await jobsRoot();
  const ended = await jobs.answer(['run', '--', 'sh', '-c', 'echo out; echo err >&2']);
  const running = await jobs.answer(['run', '--no-wait', '--timeout', '600', '--', 'sleep', '600']);
  const created = await jobs.answer(['create', '--', 'true']);
  const log = `${jobs.path}/reads`;
  const env = { READS_FILE: log, NODE_OPTIONS: `--require ${preload}`, BUN_OPTIONS: `--preload ${preload}` };

  const readsOf = async (...words: string[]): Promise<string[]> => {
    rmSync(log, { force: true });
    expect((await jobs.call(words, { env })).status).toBe(0);
    const lines = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [];
    return lines.filter((path) => path.startsWith(jobs.root)).map((path) => path.slice(jobs.root.length));
  };
  for (const { job_id: id } of [ended, running, created].map((answer) => ({ job_id: String(answer.job_id) }))) {
    for (const words of [
      ['status', id],
      ['tail', id],
    ]) {
      const reads = await readsOf(...words);
      expect(reads.filter((path) => path.startsWith(`/${id}/`)).length, words.join(' ')).toBeGreaterThan(0);
      expect(
        reads.filter((path, at) => reads.indexOf(path) !== at),
        words.join(' '),
      ).toEqual([]);
    }
  }
  const reads = await readsOf('list', '--all');
  expect(reads.length).toBeGreaterThanOrEqual(3);
  expect(reads.filter((path, at) => reads.indexOf(path) !== at)).toEqual([]);
});
