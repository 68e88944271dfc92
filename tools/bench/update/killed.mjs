/** Machines that are broken after updates, roll-backs and first healthy starts which were killed by SIGKILL at random moments. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { report } from '../report.mjs';

/** At once, as many as the machine has cores for. */
const lanes = 2;
const option = process.argv.indexOf('--kills');
const kills = option < 0 ? 200 : Number(process.argv[option + 1]);
const seed = Date.now() % 1_000_000_000;
const program = fileURLToPath(new URL('../../../packages/update/test/programs/kill-updates.ts', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'kanade-killed-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));

async function run(_, lane) {
  const directory = join(scratch, String(lane));
  mkdirSync(directory);
  const words = [
    '--conditions=@kanade/source',
    program,
    directory,
    String(Math.ceil(kills / lanes)),
    String(seed + lane),
  ];
  return JSON.parse((await promisify(execFile)(process.execPath, words)).stdout);
}

const tallies = await Promise.all(Array.from({ length: lanes }, run));
const sum = (key) => tallies.reduce((total, tally) => total + tally[key], 0);
const broken = tallies.flatMap((tally) => tally.broken);
const at = {};
for (const tally of tallies) for (const [step, count] of Object.entries(tally.at)) at[step] = (at[step] ?? 0) + count;
report({
  bench: 'update:killed',
  unit: 'broken machines',
  value: broken.length,
  peer: 'killed updates',
  peerValue: sum('killed'),
  at,
  old: sum('old'),
  new: sum('new'),
  not_killed_in_time: sum('over'),
  broken,
  seed,
});
if (broken.length > 0) process.exitCode = 1;
