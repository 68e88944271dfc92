/** Durable enqueues per second into the agent's file, alone and with a row of its ledger in the same commit, of 64 callers or one, against a file per record with fsync of file and directory. */
import { mkdirSync, openSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { median, report } from '../report.mjs';
import {
  body,
  idOf,
  loadOutbox,
  openState,
  perSecond,
  runtime,
  withDirectory,
  writeFileRecord,
  writeFileRecordAsync,
} from './setup.mjs';

const bench = process.argv[2];
const callers = bench === 'outbox:enqueue' ? 64 : 1;
const [rounds, forMs] = [9, 500];
await loadOutbox();

await withDirectory(async (directory) => {
  const files = join(directory, 'files');
  mkdirSync(files);
  const descriptor = openSync(files, 'r');
  const handle = await open(files, 'r');
  await using state = await openState(join(directory, 'agent.db'));
  const { outbox } = state;
  let count = 0;
  const sides = {
    ours: () => outbox.enqueue({ id: idOf(count++), subject: 's', body }),
    random: () => outbox.enqueue({ id: crypto.randomUUID(), subject: 's', body }),
    withLedger: () => state.enqueueWithLedger({ id: idOf(count++), subject: 's', body }),
    files: async () => writeFileRecord(files, idOf(count++), descriptor),
    filesAsync: () => writeFileRecordAsync(files, idOf(count++), handle),
  };
  const values = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(sides)) values[name].push(await perSecond({ callers, forMs }, call));
    // Every round begins with a store of the same size.
    await outbox.drop({ state: 'ready' });
    state.forgetLedger();
  }
  await handle.close();
  const asyncValue = Math.round(median(values.filesAsync));
  report({
    bench,
    unit: `durable enqueues/s, ${callers} callers, 1 KiB`,
    value: median(values.ours),
    peer: 'file per record, fsync of file and directory, synchronous calls one after the other',
    peerValue: median(values.files),
    withLedger: Math.round(median(values.withLedger)),
    randomIds: Math.round(median(values.random)),
    peerAsync: asyncValue,
    ratioAsync: Math.round((median(values.ours) / asyncValue) * 100) / 100,
    runtime,
  });
});
