/** Durable writes and removals per second beside an on-disk store that is well known on Node, and beside plain files. */
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { median, report } from '../report.mjs';
import { body, idOf, loadOutbox, perSecond, runtime, withDirectory, writeFileRecord } from './setup.mjs';

const [rounds, forMs] = [5, 500];
const { openOutbox } = await loadOutbox();

/** LevelDB with its write synced, as an outbox would have to use it; one batch joins nothing here, as its callers are strangers. */
async function drainLevel(level) {
  let removed = 0;
  const startedMs = performance.now();
  for await (const key of level.keys()) {
    await level.del(key, { sync: true });
    removed++;
    if (performance.now() - startedMs > forMs) break;
  }
  return (removed * 1000) / (performance.now() - startedMs);
}

async function drainOurs(outbox) {
  const startedMs = performance.now();
  const stop = AbortSignal.timeout(forMs);
  const { delivered } = await outbox.drain({ signal: stop, until: 'idle', concurrency: 64, deliver: async () => {} });
  return (delivered * 1000) / (performance.now() - startedMs);
}

await withDirectory(async (directory) => {
  const files = join(directory, 'files');
  mkdirSync(files);
  const descriptor = openSync(files, 'r');
  const level = new ClassicLevel(join(directory, 'level'), { valueEncoding: 'view' });
  await level.open();
  await using outbox = openOutbox({ path: join(directory, 'outbox.db') });
  let count = 0;
  const write = {
    outbox: () => outbox.enqueue({ id: idOf(count++), subject: 's', body }),
    'classic-level': () => level.put(idOf(count++), body, { sync: true }),
    files: async () => writeFileRecord(files, idOf(count++), descriptor),
  };
  const table = Object.fromEntries(Object.keys(write).map((name) => [name, { write64: [], write1: [], remove1: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, call] of Object.entries(write)) {
      table[name].write64.push(await perSecond({ callers: 64, forMs }, call));
      table[name].write1.push(await perSecond({ callers: 1, forMs }, call));
    }
    table.outbox.remove1.push(await drainOurs(outbox));
    table['classic-level'].remove1.push(await drainLevel(level));
  }
  await level.close();
  const rows = Object.entries(table).map(([name, row]) => {
    const figures = Object.entries(row).flatMap(([key, values]) =>
      values.length > 0 ? [[key, Math.round(median(values))]] : [],
    );
    return [name, Object.fromEntries(figures)];
  });
  report({
    bench: 'outbox:peers',
    unit: 'durable writes/s, 64 callers, 1 KiB',
    value: median(table.outbox.write64),
    peer: 'classic-level, put with sync',
    peerValue: median(table['classic-level'].write64),
    table: Object.fromEntries(rows),
    runtime,
  });
});
