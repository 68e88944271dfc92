/** Damage of many kinds to a file with tables of two owners: it opens, what comes out went in, and what is missing was told. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DurableEvent, lastLoss, openDurable, type SalvageReport } from '@kanade/durable';
import { type DamagedFile, damageCorpus, type SoundFile, soundFile, tempDir } from '@kanade/testkit';
import { beforeAll, expect, it } from 'vitest';
import { lend, library, noteOf } from './library.ts';

const seed = 20_261_126;
const total = 200;

const nothing = { closed: new Uint8Array(), open: new Uint8Array(), wal: new Uint8Array() };
const names = damageCorpus(nothing, seed).map(({ name }, index) => ({ name, index }));
let corpus: DamagedFile[] = [];
let sound: SoundFile = nothing;

beforeAll(async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  const fill = async (from: number, to: number, whileOpen = () => {}) => {
    await using durable = openDurable({ path, parts: library });
    for (let index = from; index < to; index++) durable.transact((tx) => lend(tx, index));
    whileOpen();
  };
  sound = await soundFile(path, {
    fill: () => fill(0, total / 2),
    fillMore: (whileOpen) => fill(total / 2, total, whileOpen),
  });
  corpus = damageCorpus(sound, seed);
});

it('has at least 30 files', () => expect(names.length).toBeGreaterThanOrEqual(30));

it.each(names)('$name', async ({ index }) => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  const { plant, isSilent } = corpus[index] as DamagedFile;
  plant(path);
  const where = `seed ${seed}, file ${index}`;

  const first = await openAndRead(path, total);
  expect(first.strangers, where).toEqual([]);
  expect(first.events.length, where).toBeLessThanOrEqual(1);
  const lost = (table: string, rows: number) => {
    const told = first.salvages.at(-1)?.tables.find((entry) => entry.table === table);
    // Nothing is missing that nobody was told of.
    if (rows < total && !isSilent) expect(told?.mayHaveLost, `${where}, ${table}: ${rows}`).toBe(true);
    if (told?.mayHaveLost === false) expect(rows, `${where}, ${table}`).toBe(total);
    if (typeof told?.lostRows === 'number') expect(told.rows + told.lostRows, where).toBeLessThanOrEqual(total);
  };
  lost('loan', first.loans);
  lost('reader', first.readers);
  for (const { setAsidePath } of first.salvages) expect(existsSync(setAsidePath), where).toBe(true);
  // Sound from here on, and the loss stays on record.
  const second = await openAndRead(path, total + 1);
  expect({ events: second.events, problems: second.problems, salvages: second.salvages }, where).toEqual({
    events: [],
    problems: [],
    salvages: first.salvages,
  });
});

async function openAndRead(path: string, next: number) {
  const events: DurableEvent[] = [];
  await using durable = openDurable({ path, parts: library, onEvent: (event) => events.push(event) });
  const strangers: unknown[] = [];
  const books = durable.look((sql) => sql('SELECT book, note FROM loan').all());
  for (const { book, note } of books) if (note !== noteOf(Number(String(book).slice(1)))) strangers.push(book);
  const readers = Number(durable.look((sql) => sql('SELECT count(*) AS count FROM reader').get()?.count));
  const salvages: SalvageReport[] = await durable.salvages();
  durable.transact((tx) => lend(tx, next));
  const { problems } = await durable.verify({ structure: true });
  return { events, strangers, loans: books.length, readers, salvages, problems };
}

/** The sound file with the page overwritten that holds a text. */
function damagedAt(text: string): Buffer {
  const bytes = Buffer.from(sound.closed);
  const page = Math.floor(bytes.indexOf(text) / 4_096) * 4_096;
  return bytes.fill(0xa5, page, page + 4_096);
}

it('a damage that is found in the middle of a run is met there, and the change is made', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  writeFileSync(path, damagedAt(noteOf(55)));
  const events: DurableEvent[] = [];
  const limits = { openCheckBytesMax: 0 };
  await using durable = openDurable({ path, parts: library, limits, onEvent: (event) => events.push(event) });
  await durable.commit((tx) => lend(tx, total));
  expect(await durable.read((sql) => sql('SELECT book FROM loan').all())).toContainEqual({ book: `b${total}` });
  const read = durable.look((sql) => sql('SELECT count(note) AS notes FROM loan NOT INDEXED').get()?.notes);
  const [report] = await durable.salvages();
  expect(read).toBe(report?.tables[0]?.rows);
  expect(report?.tables).toMatchObject([
    { table: 'loan', mayHaveLost: true },
    { rows: total + 1, mayHaveLost: false },
    {},
  ]);
  expect(lastLoss(await durable.salvages())).toEqual({ ...report, tables: report?.tables.slice(0, 1) });
  expect(lastLoss([])).toBe(undefined);
  expect(events.map(({ type }) => type)).toEqual(['salvaged']);
});

it('is told in the words of its tables, and kept', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  corpus.find(({ name }) => name.startsWith('something else'))?.plant(path);
  const before = readFileSync(path);
  await using durable = openDurable({ path, parts: library });
  const [report, ...more] = await durable.salvages();
  expect(more).toEqual([]);
  expect(report).toMatchObject({
    path,
    reason: 'file is not a database',
    tables: ['loan', 'reader', 'reader_total'].map((table) => ({ table, rows: 0, lostRows: null, mayHaveLost: true })),
  });
  expect(readFileSync(report?.setAsidePath ?? '').equals(before)).toBe(true);
});
