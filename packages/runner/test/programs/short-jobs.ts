/**
 * Runs many jobs that end at once, one after the other, and tells for each place that waits for an end how much later than
 * the ending it knew of it, in ms: `{ launcher: [...], stranger: [...], keeper: [...] }`. What the machine kept this
 * program from running for is taken off: a lost event shows, a busy machine does not. argv: root, number of jobs.
 */
import { statSync } from 'node:fs';
import { openJobs, pathOf } from '@kanade/runner';

const tickMs = 5;
const [root = '', count = '1000'] = process.argv.slice(2);
const late: Record<string, number[]> = { launcher: [], stranger: [], keeper: [] };
let heldMs = 0;
let tickedMs = performance.now();
const noteTick = (): void => {
  const nowMs = performance.now();
  heldMs += Math.max(0, nowMs - tickedMs - tickMs);
  tickedMs = nowMs;
};
const ticks = setInterval(noteTick, tickMs);
await using jobs = openJobs(root, { keeper: 'here' });
for (let n = 0; n < Number(count); n++) {
  const launched = jobs.launch({ command: ['true'], cwd: root, shellWrapper: [] });
  const { job } = launched;
  noteTick();
  heldMs = 0;
  const at = async (place: string, known: Promise<unknown>): Promise<void> => {
    await known;
    const knownMs = Date.now();
    noteTick();
    late[place]?.push(knownMs - statSync(pathOf(job, 'record')).mtimeMs - heldMs);
  };
  await Promise.all([
    at('launcher', jobs.observe(launched)),
    at('stranger', jobs.wait(job)),
    at('keeper', jobs.adopt(job)),
  ]);
}
clearInterval(ticks);
console.log(JSON.stringify(late));
