/** What is lost, doubled or invented over a thousand SIGKILLs at random moments, on both runtimes in turn. */
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { report } from '../report.mjs';
import { withDirectory } from './setup.mjs';

/** As many stores as the machine has cores for, each with its share of the kills. */
const stores = 2;
const at = process.argv.indexOf('--kills');
const kills = at < 0 ? 1_000 : Number(process.argv[at + 1]);
const seed = Date.now() % 1_000_000_000;
const program = fileURLToPath(new URL('../../../packages/outbox/test/programs/kill-rounds.ts', import.meta.url));

await withDirectory(async (directory) => {
  const run = async (_, store) => {
    const place = join(directory, String(store));
    mkdirSync(place);
    const words = [
      '--conditions=@kanade/source',
      program,
      place,
      String(Math.ceil(kills / stores)),
      String(seed + store),
    ];
    return JSON.parse((await promisify(execFile)(process.execPath, words)).stdout);
  };
  const tallies = await Promise.all(Array.from({ length: stores }, run));
  const sum = (key) => tallies.reduce((total, tally) => total + tally[key], 0);
  const wrong = sum('lost') + sum('unknown') + sum('salvages');
  report({
    bench: 'outbox:kills',
    unit: 'acknowledged records lost',
    value: sum('lost'),
    peer: 'records acknowledged',
    peerValue: sum('acknowledged'),
    kills: sum('kills'),
    acknowledged: sum('acknowledged'),
    delivered: sum('delivered'),
    lost: sum('lost'),
    duplicated: sum('duplicated'),
    unknown: sum('unknown'),
    salvages: sum('salvages'),
    seed,
    runtime: 'node and bun in turn',
  });
  if (wrong > 0) process.exitCode = 1;
});
