import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspectDurable, openDurable } from '@kanade/durable';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { lend, library } from './library.ts';

async function openLibrary(more: object = {}) {
  const directory = await tempDir();
  const path = join(directory.path, 'library.db');
  const durable = openDurable({ path, parts: library, ...more });
  const books = () =>
    durable.look((sql) =>
      sql('SELECT book FROM loan ORDER BY seq')
        .all()
        .map(({ book }) => book),
    );
  return {
    path,
    durable,
    books,
    async [Symbol.asyncDispose]() {
      await durable[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

const undo = new Error('undone');

describe('transact', () => {
  it('joins the transaction that is open, tells after the commit and in order', async () => {
    await using open = await openLibrary();
    const { durable } = open;
    const told: string[] = [];
    durable.transact((outer) => {
      lend(outer, 1);
      outer.onCommitting(() => told.push('committing'));
      outer.onCommitted(() => told.push('outer'));
      durable.transact((inner) => {
        expect(durable.isOpen(inner)).toBe(true);
        inner.onCommitted(() => told.push('inner'));
        lend(inner, 2);
      });
      expect(open.books()).toEqual(['b1', 'b2']);
      expect(told).toEqual([]);
    });
    expect(told).toEqual(['committing', 'outer', 'inner']);
    using look = inspectDurable({ path: open.path, parts: library });
    expect(look.look((sql) => sql('SELECT count(*) AS count FROM loan').get())).toEqual({ count: 2 });
  });

  it('is undone as a whole when it throws, or when one that joined it did, caught or not', async () => {
    await using open = await openLibrary();
    const { durable } = open;
    const told: string[] = [];
    const fail = (tx: Parameters<Parameters<typeof durable.transact>[0]>[0]) => {
      tx.onCommitted(() => told.push('never'));
      lend(tx, 1);
      throw undo;
    };
    expect(() => durable.transact(fail)).toThrow(undo);
    const careless = () =>
      durable.transact((tx) => {
        lend(tx, 2);
        expect(() => durable.transact(fail)).toThrow(undo);
      });
    expect(careless).toThrow(undo);
    expect(() => durable.transact((async () => {}) as never)).toThrow(TypeError);
    expect({ books: open.books(), told }).toEqual({ books: [], told: [] });
    durable.transact((tx) => lend(tx, 3));
    expect(open.books()).toEqual(['b3']);
  });

  it('waits for another process that writes, up to its limit', async () => {
    await using open = await openLibrary({ limits: { transactWaitMs: 30 } });
    const other = new DatabaseSync(open.path);
    other.exec('BEGIN IMMEDIATE');
    expect(() => open.durable.transact((tx) => lend(tx, 1))).toThrow(expect.objectContaining({ code: 'busy' }));
    other.close();
    open.durable.transact((tx) => lend(tx, 1));
    expect(open.books()).toEqual(['b1']);
  });
});

describe('commit', () => {
  it('gives each change its own outcome; one that throws takes no other with it', async () => {
    await using open = await openLibrary();
    const told: number[] = [];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, index) =>
        open.durable.commit((tx) => {
          lend(tx, index);
          tx.onCommitted(() => told.push(index));
          if (index === 7) throw undo;
          return index;
        }),
      ),
    );
    expect(outcomes[7]).toEqual({ status: 'rejected', reason: undo });
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(299);
    expect(told).toEqual(Array.from({ length: 300 }, (_, index) => index).filter((index) => index !== 7));
    expect(open.books()).toHaveLength(299);
    expect((await open.durable.verify({ structure: true })).ok).toBe(true);
  });

  it('refuses a row that breaks a rule of its table alone', async () => {
    await using open = await openLibrary();
    const outcomes = await Promise.allSettled([1, 1, 2].map((index) => open.durable.commit((tx) => lend(tx, index))));
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('refuses what is over the bytes that may wait, and everything after closing, which keeps what waited', async () => {
    await using open = await openLibrary({ limits: { pendingBytesMax: 100 } });
    const first = open.durable.commit((tx) => lend(tx, 1), { addsBytes: 80 });
    await expect(open.durable.commit((tx) => lend(tx, 2), { addsBytes: 80 })).rejects.toMatchObject({
      code: 'busy',
      exceeded: { limit: 'pendingBytesMax', maximum: 100, actual: 160 },
    });
    await open.durable[Symbol.asyncDispose]();
    await first;
    await expect(open.durable.commit((tx) => lend(tx, 3))).rejects.toMatchObject({ code: 'closed' });
    expect(() => open.durable.transact((tx) => lend(tx, 3))).toThrow(expect.objectContaining({ code: 'closed' }));
    expect(existsSync(`${open.path}-wal`)).toBe(false);
  });
});

describe('openDurable', () => {
  it('makes a file that only its owner reads, and beside it only what it says', async () => {
    await using open = await openLibrary();
    open.durable.transact((tx) => lend(tx, 1), { addsBytes: 100 });
    const directory = join(open.path, '..');
    expect(readdirSync(directory).sort()).toEqual(
      ['', '-shm', '-wal', '.reserve'].map((suffix) => `library.db${suffix}`),
    );
    // The reserve holds noise.
    for (const suffix of ['', '-shm', '-wal']) expect(statSync(open.path + suffix).mode & 0o777).toBe(0o600);
  });

  it('takes records although somebody put a directory in the place of its reserve', async () => {
    await using open = await openLibrary();
    mkdirSync(`${open.path}.reserve`);
    open.durable.transact((tx) => lend(tx, 1), { addsBytes: 100 });
    expect(open.books()).toEqual(['b1']);
    expect(statSync(`${open.path}.reserve`).isFile()).toBe(true);
    expect(readdirSync(join(open.path, '..')).filter((name) => name.startsWith('library.db.reserve-'))).toHaveLength(1);
  });

  it('alone keeps a second owner out, and lets guests and looks in', async () => {
    await using open = await openLibrary({ as: 'alone' });
    const again = () => openDurable({ path: open.path, parts: library, as: 'alone' });
    expect(again).toThrow(expect.objectContaining({ code: 'locked' }));
    await using guest = openDurable({ path: open.path, parts: library, as: 'guest' });
    guest.transact((tx) => lend(tx, 1));
    expect(open.books()).toEqual(['b1']);
    await open.durable[Symbol.asyncDispose]();
    await again()[Symbol.asyncDispose]();
  });

  it('refuses names that cannot be used, a link to a directory, and limits that do not exist', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'library.db');
    const part = { name: 'a', migrations: ['CREATE TABLE t (id TEXT)'], tables: [{ name: 't' }] };
    for (const parts of [[part, part], [{ ...part, name: 'durable' }], [{ ...part, tables: [{ name: 'a;b' }] }]])
      expect(() => openDurable({ path, parts })).toThrow(TypeError);
    expect(() => openDurable({ path, parts: [part], limits: { waitMs: 1 } as never })).toThrow(RangeError);
    symlinkSync(directory.path, path);
    expect(() => openDurable({ path, parts: [part] })).toThrow(expect.objectContaining({ code: 'cannot_open' }));
  });
});

it('exports the rows of a table in their order, with keys of any kind', async () => {
  await using open = await openLibrary();
  for (const index of [3, 1, 2]) open.durable.transact((tx) => lend(tx, index));
  const rows = async (table: string) => {
    const all = [];
    for await (const row of open.durable.export({ table })) all.push(row);
    return all;
  };
  expect((await rows('loan')).map(({ book }) => book)).toEqual(['b3', 'b1', 'b2']);
  expect(await rows('reader_total')).toEqual([{ name: 'books', value: 3 }]);
  await expect(rows('sqlite_schema')).rejects.toThrow(TypeError);
});

it('a look makes nothing and says what is wrong', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'library.db');
  expect(() => inspectDurable({ path })).toThrow(expect.objectContaining({ code: 'no_file' }));
  writeFileSync(path, 'no database '.repeat(900));
  expect(() => inspectDurable({ path })).toThrow(expect.objectContaining({ code: 'damaged' }));
  expect(readdirSync(directory.path)).toEqual(['library.db']);
});
