// The long run: `kill-rounds.ts <directory> <kills> <seed>` prints what came of that many kills as one line of JSON.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { killRounds } from '../kill-rounds.ts';

const [, , directory = '', kills = '', seed = ''] = process.argv;
const path = join(directory, 'outbox.db');
const { lost, unknown, events, ...tally } = await killRounds({
  path,
  kills: Number(kills),
  seed: Number(seed),
  runtimes: ['node', 'bun', 'bun', 'bun'],
});
writeSync(1, `${JSON.stringify({ ...tally, lost: lost.length, unknown: unknown.length, salvages: events.length })}\n`);
