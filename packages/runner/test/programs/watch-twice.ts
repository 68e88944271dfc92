/**
 * Watches the record of a job that somebody else writes in two steps a fraction of a ms apart, again and again: argv is a jobs root and how
 * often. Prints how often the second step was heard of, and does not end while one is not.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createLookout } from '../../src/life/lookout.ts';
import { pathOf } from '../../src/record/layout.ts';
import { jobDir } from '../../src/record/root.ts';

const [root = '', rounds = ''] = process.argv.slice(2);
const job = jobDir(root, 'a'.repeat(32));
mkdirSync(job.path, { recursive: true });
const path = pathOf(job, 'record');
writeFileSync(path, '');
using post = createLookout().post(job);
const size = (): number => statSync(path).size;

/** Resolves when the watch has told of so many bytes. */
function heardOf(bytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  waiting = () => size() >= bytes && resolve();
  return promise;
}
let waiting: () => unknown = () => undefined;
let doubts = 0;
const { promise: isInPlace, resolve: inPlace } = Promise.withResolvers<void>();
post.watch('record', () => {
  if (doubts++ >= 2) inPlace();
  waiting();
});
await isInPlace; // what a fresh watch loses is made up for by looks of their own

const between = 'i=0; while [ $i -lt $2 ]; do i=$((i + 1)); done';
const writer = spawn(
  'sh',
  [
    '-c',
    `while read -r _; do set -- x $(( ($2 + 40) % 1000 )); printf a >>${path}; ${between}; printf b >>${path}; done`,
    'sh',
    'x',
    '0',
  ],
  {
    stdio: ['pipe', 'inherit', 'inherit'],
  },
);
for (let round = 1; round <= Number(rounds); round++) {
  const heard = heardOf(2 * round);
  writer.stdin.write('go\n');
  await heard;
}
writer.stdin.end();
process.stdout.write(rounds);
process.exit(0);
