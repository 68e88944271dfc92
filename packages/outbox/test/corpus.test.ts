/** Damage of many kinds at places that a seed chooses: whatever it is, opening works, and what comes out is what went in. */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type OutboxEvent, openOutbox } from '@kanade/outbox';
import { type DamagedFile, damageCorpus, tempDir as emptyDir, soundFile } from '@kanade/testkit';
import { beforeAll, expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

const seed = 20_260_707;
const total = 200;
/** Some spill over to overflow pages; some are held behind others of their key. */
const bodyOf = (index: number) => `body ${index} `.repeat(index % 10 === 0 ? 900 : 20);

const nothing = { closed: new Uint8Array(), open: new Uint8Array(), wal: new Uint8Array() };
const names = damageCorpus(nothing, seed).map(({ name }, index) => ({ name, index }));
let corpus: DamagedFile[] = [];

beforeAll(async () => {
  await using directory = await emptyDir();
  const path = join(directory.path, 'outbox.db');
  const enqueue = async (outbox: ReturnType<typeof openOutbox>, from: number, to: number) => {
    for (let index = from; index < to; index++) {
      const more = index % 7 === 0 ? { orderKey: `k${index % 3}` } : {};
      await outbox.enqueue({ id: `r${index}`, subject: 's', body: new TextEncoder().encode(bodyOf(index)), ...more });
    }
  };
  const sound = await soundFile(path, {
    async fill() {
      await using outbox = openOutbox({ path });
      await enqueue(outbox, 0, total / 2);
    },
    async fillMore(whileOpen) {
      await using outbox = openOutbox({ path });
      await enqueue(outbox, total / 2, total);
      whileOpen();
    },
  });
  corpus = damageCorpus(sound, seed);
});

it('has at least 30 files', () => expect(names.length).toBeGreaterThanOrEqual(30));

it.each(names)('$name', async ({ index }) => {
  const path = join(tempDir(), 'outbox.db');
  const { plant, isOnWal, name } = corpus[index] as DamagedFile;
  plant(path);
  const damagedPath = `${path}.copy`;
  cpSync(path, damagedPath, { recursive: true });
  const where = `seed ${seed}, file ${index}`;

  const first = await openAndDrain(path);
  expect(first.wrong, where).toEqual([]);
  expect(new Set(first.ids).size, where).toBe(first.ids.length);
  expect(first.ids, where).toContain('after');
  const [salvaged, ...more] = first.salvaged;
  expect(more, where).toEqual([]);
  if (salvaged) {
    const isKept = name.includes('directory') || readFileSync(salvaged.setAsidePath).equals(readFileSync(damagedPath));
    // With a WAL beside it, SQLite may have finished its own work on the file before the damage showed.
    expect(isKept || isOnWal, where).toBe(true);
    if (salvaged.lostRecords !== null) {
      expect(salvaged.records + salvaged.lostRecords, where).toBeLessThanOrEqual(total);
      expect(first.lost, where).toBe(salvaged.lostRecords);
    }
  }
  expect(first.ids.length - 1 + first.quarantined, where).toBeLessThanOrEqual(total);
  // Sound from here on.
  const second = await openAndDrain(path);
  expect({ salvaged: second.salvaged, ids: second.ids, ok: second.ok }, where).toEqual({
    salvaged: [],
    ids: ['after'],
    ok: true,
  });
  rmSync(damagedPath, { recursive: true });
});

async function openAndDrain(path: string) {
  const events: OutboxEvent[] = [];
  const ids: string[] = [];
  const wrong: string[] = [];
  await using outbox = openOutbox({ path, onEvent: (event) => void events.push(event) });
  await outbox.enqueue({ id: 'after', subject: 's', body: new TextEncoder().encode('after') });
  await outbox.drain({
    until: 'idle',
    async deliver({ id, body }) {
      const expected = id === 'after' ? 'after' : bodyOf(Number(id.slice(1)));
      if (new TextDecoder().decode(body) !== expected) wrong.push(id);
      ids.push(id);
    },
  });
  const salvaged = events.filter((event) => event.type === 'salvaged');
  const counts = await outbox.count();
  await outbox.drop({ state: 'quarantined' });
  const { ok } = await outbox.verify({ structure: true });
  expect(existsSync(`${path}.rebuilt`)).toBe(false);
  return { ids, wrong, salvaged, ok, lost: counts.lost.records, quarantined: counts.quarantined.records };
}
