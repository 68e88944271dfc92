/** Damage of many kinds at places that a seed chooses: whatever it is, opening works, and what comes out is what went in. */
import { appendFileSync, copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OutboxEvent, openOutbox } from '@kanade/outbox';
import { tempDir as emptyDir } from '@kanade/testkit';
import { beforeAll, expect, it } from 'vitest';
import { seeded } from './seeded.ts';
import { tempDir } from './temp-dir.ts';

const seed = 20_260_707;
const pageBytes = 4096;
const total = 200;
/** Some spill over to overflow pages; some are held behind others of their key. */
const bodyOf = (index: number) => `body ${index} `.repeat(index % 10 === 0 ? 900 : 20);

type Random = (below: number) => number;
interface Kind {
  readonly name: string;
  readonly files: number;
  readonly damage: (path: string, random: Random) => void;
}

const change = (path: string, edit: (bytes: Buffer) => void) => {
  const bytes = readFileSync(path);
  edit(bytes);
  writeFileSync(path, bytes);
};
const pages = (bytes: Buffer) => Math.floor(bytes.length / pageBytes);
const pageOf = (bytes: Buffer, random: Random) => pageBytes * random(pages(bytes));
const flip = (bytes: Buffer, offset: number, random: Random) => {
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random(8));
};
const wal = (path: string) => `${path}-wal`;

/** Those on the WAL work on a file whose last commits are only there. */
const kinds: Kind[] = [
  { name: 'cut anywhere', files: 5, damage: (path, random) => truncateSync(path, random(readFileSync(path).length)) },
  {
    name: 'one bit flipped',
    files: 8,
    damage: (path, random) => change(path, (b) => flip(b, random(b.length), random)),
  },
  {
    name: 'fifty bits flipped',
    files: 5,
    damage: (path, random) =>
      change(path, (b) => {
        for (let count = 0; count < 50; count++) flip(b, random(b.length), random);
      }),
  },
  {
    name: 'a bit of the header flipped',
    files: 6,
    damage: (path, random) => change(path, (b) => flip(b, random(100), random)),
  },
  {
    name: 'a page of noise',
    files: 4,
    damage: (path, random) =>
      change(path, (b) => {
        const page = pageOf(b, random);
        for (let at = page; at < page + pageBytes; at++) b[at] = random(256);
      }),
  },
  {
    name: 'a page of zeros',
    files: 3,
    damage: (path, random) =>
      change(path, (b) => {
        const page = pageOf(b, random);
        b.fill(0, page, page + pageBytes);
      }),
  },
  {
    name: 'two pages swapped',
    files: 3,
    damage: (path, random) =>
      change(path, (b) => {
        const [one, other] = [pageOf(b, random), pageOf(b, random)];
        const kept = Buffer.from(b.subarray(one, one + pageBytes));
        b.copy(b, one, other, other + pageBytes);
        kept.copy(b, other);
      }),
  },
  {
    name: 'an older copy of its second half',
    files: 1,
    damage: (path) => change(path, (b) => b.copy(b, pageBytes * Math.floor(pages(b) / 2), pageBytes, pageBytes * 4)),
  },
  {
    name: 'bytes behind its end',
    files: 2,
    damage: (path, random) => appendFileSync(path, Buffer.alloc(1 + random(9_000), 7)),
  },
  { name: 'zero-length', files: 1, damage: (path) => truncateSync(path, 0) },
  {
    name: 'a WAL cut',
    files: 3,
    damage: (path, random) => truncateSync(wal(path), random(readFileSync(wal(path)).length)),
  },
  {
    name: 'a WAL with a bit flipped',
    files: 3,
    damage: (path, random) => change(wal(path), (b) => flip(b, random(b.length), random)),
  },
  { name: 'a WAL of something else', files: 1, damage: (path) => writeFileSync(wal(path), 'not a WAL '.repeat(900)) },
  { name: 'the file empty, its WAL whole', files: 1, damage: (path) => truncateSync(path, 0) },
];

const cases = kinds.flatMap(({ name, files, damage }) =>
  Array.from({ length: files }, (_, count) => ({ name: `${name} (${count})`, onWal: name.includes('WAL'), damage })),
);

let sound = { closed: Buffer.alloc(0), open: Buffer.alloc(0), wal: Buffer.alloc(0) };

beforeAll(async () => {
  await using directory = await emptyDir();
  const path = join(directory.path, 'outbox.db');
  const fill = async (from: number, to: number, outbox: ReturnType<typeof openOutbox>) => {
    for (let index = from; index < to; index++) {
      const more = index % 7 === 0 ? { orderKey: `k${index % 3}` } : {};
      await outbox.enqueue({ id: `r${index}`, subject: 's', body: new TextEncoder().encode(bodyOf(index)), ...more });
    }
  };
  {
    await using outbox = openOutbox({ path });
    await fill(0, total / 2, outbox);
  }
  {
    await using outbox = openOutbox({ path });
    await fill(total / 2, total, outbox);
    sound = { ...sound, open: readFileSync(path), wal: readFileSync(wal(path)) };
  }
  sound = { ...sound, closed: readFileSync(path) };
});

it('has at least 30 files', () => expect(cases.length).toBeGreaterThanOrEqual(30));

it.each(cases.map((entry, index) => ({ ...entry, index })))('$name', async ({ damage, onWal, index }) => {
  const path = join(tempDir(), 'outbox.db');
  writeFileSync(path, onWal ? sound.open : sound.closed);
  if (onWal) writeFileSync(wal(path), sound.wal);
  const next = seeded(seed + index);
  damage(path, (below) => Math.floor(next() * below));
  const damagedPath = `${path}.copy`;
  copyFileSync(path, damagedPath);
  const where = `seed ${seed}, file ${index}`;

  const first = await openAndDrain(path);
  expect(first.wrong, where).toEqual([]);
  expect(new Set(first.ids).size, where).toBe(first.ids.length);
  expect(first.ids, where).toContain('after');
  const [salvaged, ...more] = first.salvaged;
  expect(more, where).toEqual([]);
  if (salvaged) {
    const whole = readFileSync(salvaged.setAsidePath).equals(readFileSync(damagedPath));
    // With a WAL beside it, SQLite may have finished its own work on the file before the damage showed.
    expect(whole || onWal, where).toBe(true);
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
  rmSync(damagedPath);
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
