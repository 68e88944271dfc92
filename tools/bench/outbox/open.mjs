/** Memory and time of opening 1,000,000 queued records, against opening none; each opening in a process of its own. */
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, report } from '../report.mjs';
import { body, idOf, importOutbox, loadOutbox, runtime, withDirectory } from './setup.mjs';

const records = 1_000_000;
const [rounds, step] = [7, 5_000];

if (process.argv[2] === 'open') {
  const { openOutbox } = await importOutbox();
  const startedMs = performance.now();
  const outbox = openOutbox({ path: process.argv[3] });
  const { ready } = await outbox.count();
  const [first] = await outbox.list({ limit: 1 });
  const ms = performance.now() - startedMs;
  console.log(JSON.stringify({ ms, mb: process.memoryUsage().rss / 1e6, records: ready.records, first: first?.id }));
  await outbox[Symbol.asyncDispose]();
} else {
  const { openOutbox } = await loadOutbox();
  await withDirectory(async (directory) => {
    const [full, empty] = ['full.db', 'empty.db'].map((name) => join(directory, name));
    await openOutbox({ path: empty })[Symbol.asyncDispose]();
    {
      await using outbox = openOutbox({ path: full });
      for (let count = 0; count < records; count += step) {
        const enqueue = (_, index) => outbox.enqueue({ id: idOf(count + index), subject: 's', body });
        await Promise.all(Array.from({ length: step }, enqueue));
      }
    }
    const look = (path) => {
      const words = [fileURLToPath(import.meta.url), 'open', path];
      return JSON.parse(execFileSync(process.execPath, words, { encoding: 'utf8' }));
    };
    const seen = { full: [], empty: [] };
    for (let round = 0; round < rounds; round++) {
      seen.full.push(look(full));
      seen.empty.push(look(empty));
    }
    if (seen.full[0].records !== records) throw new Error(`${seen.full[0].records} records are there`);
    const of = (side, key) => median(seen[side].map((entry) => entry[key]));
    report({
      bench: 'outbox:open',
      unit: `ms to open ${records} queued records, count them and see the first`,
      value: of('full', 'ms'),
      peer: 'an empty outbox',
      peerValue: of('empty', 'ms'),
      mbOverEmpty: Math.round((of('full', 'mb') - of('empty', 'mb')) * 10) / 10,
      fileMb: Math.round(statSync(full).size / 1e6),
      runtime,
    });
  });
}
