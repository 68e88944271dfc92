/** Records per second into a deliver that resolves at once, against reading and removing a file per record. */
import { fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, report } from '../report.mjs';
import { body, idOf, loadOutbox, openState, runtime, withDirectory } from './setup.mjs';

const [rounds, records] = [5, 40_000];
await loadOutbox();

async function ours(outbox) {
  await Promise.all(
    Array.from({ length: records }, (_, count) => outbox.enqueue({ id: idOf(count), subject: 's', body })),
  );
  let firstMs = 0;
  let lastMs = 0;
  let delivered = 0;
  await outbox.drain({
    until: 'idle',
    concurrency: 256,
    async deliver() {
      if (delivered++ === 0) firstMs = performance.now();
      lastMs = performance.now();
    },
  });
  if (delivered !== records) throw new Error(`${delivered} of ${records} were delivered`);
  return (records * 1000) / (lastMs - firstMs);
}

function files(directory) {
  const some = 3_000;
  for (let count = 0; count < some; count++) writeFileSync(join(directory, idOf(count)), body);
  const descriptor = openSync(directory, 'r');
  const startedMs = performance.now();
  for (const name of readdirSync(directory)) {
    readFileSync(join(directory, name));
    unlinkSync(join(directory, name));
    fsyncSync(descriptor);
  }
  return (some * 1000) / (performance.now() - startedMs);
}

await withDirectory(async (directory) => {
  const peer = join(directory, 'files');
  mkdirSync(peer);
  await using state = await openState(join(directory, 'agent.db'));
  const { outbox } = state;
  const values = { ours: [], files: [] };
  for (let round = 0; round < rounds; round++) {
    values.ours.push(await ours(outbox));
    values.files.push(files(peer));
  }
  report({
    bench: 'outbox:drain',
    unit: 'records/s into a deliver that resolves at once, 1 KiB, concurrency 256',
    value: median(values.ours),
    peer: 'file per record: read, unlink, fsync of the directory',
    peerValue: median(values.files),
    runtime,
  });
});
