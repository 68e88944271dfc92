import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type DurableEvent, type DurablePart, inspectDurable, openDurable } from '@kanade/durable';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { lend, library } from './library.ts';

const [loans, readers] = library as [DurablePart, DurablePart];
const [firstStep = ''] = loans.migrations;

/** The part of the version before, and one of a version to come that adds a table and gives up another. */
const before: DurablePart = { ...loans, migrations: [firstStep] };
const after: DurablePart = {
  ...loans,
  migrations: [...loans.migrations, 'CREATE TABLE fine (book TEXT PRIMARY KEY, yen INTEGER NOT NULL) STRICT'],
  tables: [{ name: 'fine' }, ...loans.tables],
};

it('each part is brought to its own version, in the transaction of the opening, whoever declares more tables', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  const events: DurableEvent[] = [];
  const onEvent = (event: DurableEvent) => events.push(event);
  {
    await using durable = openDurable({ path, parts: [before], onEvent });
    durable.transact((tx) => tx.sql('INSERT INTO loan (book, note, checksum) VALUES (?, ?, ?)').run('b', 'n', 1));
    expect(await durable.partNames()).toEqual(['loans']);
  }
  for (const parts of [[loans, readers], [after, readers], [readers]]) {
    await using durable = openDurable({ path, parts, onEvent });
    expect(await durable.partNames()).toEqual(['loans', 'readers']);
  }
  await using durable = openDurable({ path, parts: [after, readers], onEvent });
  durable.transact((tx) => tx.sql('INSERT INTO fine VALUES (?, ?)').run('b', 100));
  expect(durable.look((sql) => sql('SELECT book FROM loan').all())).toEqual([{ book: 'b' }]);
  expect(events).toEqual([]);
});

it('a file of a later version is refused and left as it is', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  await openDurable({ path, parts: [after] })[Symbol.asyncDispose]();
  const bytes = readFileSync(path);
  for (const open of [openDurable, inspectDurable])
    expect(() => open({ path, parts: [loans] })).toThrow(expect.objectContaining({ code: 'newer_version' }));
  expect(() => openDurable({ path, parts: [loans], as: 'guest' })).toThrow(
    expect.objectContaining({ code: 'newer_version' }),
  );
  expect(readFileSync(path).equals(bytes)).toBe(true);
});

it('a guest and a look do not bring a file up to date', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  await openDurable({ path, parts: [before] })[Symbol.asyncDispose]();
  const code = (expected: string) => expect.objectContaining({ name: 'DurableError', code: expected });
  expect(() => openDurable({ path, parts: [loans], as: 'guest' })).toThrow(code('older_version'));
  expect(() => inspectDurable({ path, parts: [loans] })).toThrow(code('older_version'));
  expect(() => inspectDurable({ path, parts: [readers] })).toThrow(code('no_file'));
});

it('a file of before parts were counted is taken over at the version that its owner recognises', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  const database = new DatabaseSync(path);
  database.exec(`${readers.migrations[0]} INSERT INTO reader VALUES ('Ana', 2); PRAGMA user_version = 1`);
  database.close();
  const events: DurableEvent[] = [];
  await using durable = openDurable({ path, parts: library, onEvent: (event) => events.push(event) });
  durable.transact((tx) => lend(tx, 1));
  expect(durable.look((sql) => sql('SELECT name FROM reader ORDER BY name').all())).toEqual([
    { name: 'Ana' },
    { name: 'reader 1' },
  ]);
  expect(events).toEqual([]);
});

it('a damaged file of the version before is salvaged into its own tables, then brought up to date', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  {
    await using durable = openDurable({ path, parts: [before] });
    for (let index = 0; index < 50; index++)
      durable.transact((tx) => lend({ sql: (text) => (text.includes('loan') ? tx.sql(text) : { run() {} }) }, index));
  }
  const database = new DatabaseSync(path);
  const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_loan_1'").get();
  database.close();
  const file = readFileSync(path);
  const from = (Number(root?.rootpage) - 1) * 4_096;
  writeFileSync(path, file.fill(0xa5, from, from + 4_096));
  await using durable = openDurable({ path, parts: [after] });
  expect(await durable.salvages()).toMatchObject([
    {
      tables: [
        { table: 'fine', rows: 0 },
        { table: 'loan', rows: 50 },
      ],
    },
  ]);
  expect((await durable.verify({ structure: true })).ok).toBe(true);
});

it('a schema that damage has changed is met as damage', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  await openDurable({ path, parts: library })[Symbol.asyncDispose]();
  const database = new DatabaseSync(path);
  database.exec('ALTER TABLE reader RENAME COLUMN books TO bookt');
  database.close();
  await using durable = openDurable({ path, parts: library });
  expect(await durable.salvages()).toMatchObject([{ reason: expect.stringContaining('columns') }]);
});
