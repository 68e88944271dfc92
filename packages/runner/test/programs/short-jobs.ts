/**
 * Runs many jobs that end at once, one after the other, and tells for each place that waits for an end how much later than
 * the ending it knew of it, in ms: `{ launcher: [...], stranger: [...], keeper: [...] }`. The slow poll, which would find an
 * end whose event was lost, comes once in `pollMs`: a lost event shows, a busy machine does not. argv: root, number of jobs, pollMs.
 */
import { statSync } from 'node:fs';
import { openJobs, pathOf } from '@kanade/runner';
import { limits } from '../../src/record/layout.ts';

const [root = '', count = '1000', pollMs = ''] = process.argv.slice(2);
Object.assign(limits, { safetyPollMs: Number(pollMs), watchedPollMs: Number(pollMs) });
const late: Record<string, number[]> = { launcher: [], stranger: [], keeper: [] };
await using jobs = openJobs(root, { keeper: 'here' });
for (let n = 0; n < Number(count); n++) {
  const launched = jobs.launch({ command: ['true'], cwd: root, shellWrapper: [] });
  const { job } = launched;
  const at = async (place: string, known: Promise<unknown>): Promise<void> => {
    await known;
    late[place]?.push(Date.now() - statSync(pathOf(job, 'record')).mtimeMs);
  };
  await Promise.all([
    at('launcher', jobs.observe(launched)),
    at('stranger', jobs.wait(job)),
    at('keeper', jobs.adopt(job)),
  ]);
}
console.log(JSON.stringify(late));
