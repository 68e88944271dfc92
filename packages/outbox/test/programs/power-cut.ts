// Cuts the power of a program that enqueues and drains: `power-cut.ts <node|bun> <directory> <cuts> <seed>`. The files of each
// cut are opened, and the oracle asks for every record that the program had called acknowledged by then.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Runtime, runtimeWords } from '@kanade/testkit';
import { cutPower } from '@kanade/testkit/power-cut';
import { audit } from '../kill-rounds.ts';

const [, , runtime = 'node', directory = '', cutsText = '', seedText = ''] = process.argv;
const program = join(import.meta.dirname, 'enqueue-and-drain.ts');
const found = { lost: [] as string[], unknown: [] as string[], salvaged: 0 };

function heard(said: readonly string[]) {
  const of = (step: string) => new Set(said.filter((line) => line.startsWith(`${step} `)).map((line) => line.slice(2)));
  return { tried: of('t'), acknowledged: of('a'), delivered: of('d') };
}

const { cuts, syncs, said } = await cutPower({
  directory,
  words: (live) => [...runtimeWords(runtime as Runtime), program, join(live, 'outbox.db'), runtime],
  cutsMax: Number(cutsText),
  seed: Number(seedText),
  async check(place, saidThen) {
    const { lost, unknown, events } = await audit(join(place, 'outbox.db'), heard(saidThen));
    found.lost.push(...lost.map((id) => `${place}: ${id}`));
    found.unknown.push(...unknown.map((id) => `${place}: ${id}`));
    found.salvaged += events.length;
  },
});
const acknowledged = heard(said).acknowledged.size;
writeSync(1, `${JSON.stringify({ runtime, cuts, acknowledged, ...found, syncs })}\n`);
process.exit(0);
