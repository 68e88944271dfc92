import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspectOutbox, openOutbox } from '@kanade/outbox';
import { describe, expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

const encode = (text: string) => new TextEncoder().encode(text);
const record = (id: string, more: object = {}) => ({ id, subject: 's', body: encode(`body of ${id}`), ...more });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('export', () => {
  it('gives every record whole, of all states or one, in order', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    await outbox.enqueue(record('a', { headers: { h: '1' }, orderKey: 'k', priority: 2 }));
    await outbox.enqueue(record('b', { notBeforeMs: 9e12 }));
    await outbox.enqueue(record('c'));
    await outbox.quarantine({ ids: ['c'] }, { reason: 'looks odd' });
    const all = await collect(outbox.export());
    expect(all.map(({ id, state, reason, intact }) => ({ id, state, reason, intact }))).toEqual([
      { id: 'a', state: 'ready', reason: null, intact: true },
      { id: 'b', state: 'waiting', reason: null, intact: true },
      { id: 'c', state: 'quarantined', reason: 'looks odd', intact: true },
    ]);
    expect(all[0]).toMatchObject({ headers: { h: '1' }, orderKey: 'k', priority: 2, notBeforeMs: null });
    expect(new TextDecoder().decode(all[1]?.body)).toBe('body of b');
    expect((await collect(outbox.export({ state: 'waiting' }))).map((entry) => entry.id)).toEqual(['b']);
  });

  it('stops at its signal', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    await outbox.enqueue(record('a'));
    const reason = new Error('enough');
    await expect(collect(outbox.export({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    await expect(outbox.verify({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('list', () => {
  it('pages through one state in the order of enqueuing, over many priorities', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    const ids = Array.from({ length: 150 }, (_, index) => `r${index}`);
    await Promise.all(ids.map((id, index) => outbox.enqueue(record(id, { priority: index % 70 }))));
    const seen: string[] = [];
    for (let after = 0; ; ) {
      const page = await outbox.list({ state: 'ready', after, limit: 40 });
      seen.push(...page.map((entry) => entry.id));
      const last = page.at(-1);
      if (!last) break;
      after = last.cursor;
    }
    expect(seen).toEqual(ids);
  });
});

describe('verify', () => {
  it('finds nothing wrong with a sound outbox', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    await outbox.enqueue(record('a', { orderKey: 'k' }));
    await outbox.enqueue(record('b', { orderKey: 'k' }));
    expect(await outbox.verify({ structure: true })).toEqual({
      ok: true,
      records: 2,
      bytes: 26,
      damagedRecords: 0,
      damagedIds: [],
      problems: [],
    });
  });

  it.each<{ name: string; harm: string; found: object }>([
    {
      name: 'a changed body',
      harm: "UPDATE outbox SET body = x'00' WHERE id = 'b'",
      found: { damagedRecords: 1, damagedIds: ['b'], problems: [] },
    },
    {
      name: 'totals that are wrong',
      harm: "UPDATE outbox_total SET records = 7 WHERE name = 'ready'",
      found: { damagedRecords: 0, problems: ['the total of ready is not what its records add up to'] },
    },
    {
      name: 'a key whose records all wait for each other',
      harm: "UPDATE outbox SET state = 'held' WHERE id = 'a'; UPDATE outbox_total SET records = 2, bytes = 26 WHERE name = 'held'; UPDATE outbox_total SET records = 0, bytes = 0 WHERE name = 'ready'",
      found: { damagedRecords: 0, problems: ['the records of order key "k" have no single head'] },
    },
  ])('finds $name', async ({ harm, found }) => {
    const path = join(tempDir(), 'outbox.db');
    {
      await using outbox = openOutbox({ path });
      await outbox.enqueue(record('a', { orderKey: 'k' }));
      await outbox.enqueue(record('b', { orderKey: 'k' }));
    }
    const database = new DatabaseSync(path);
    database.exec(harm);
    database.close();
    using look = inspectOutbox({ path });
    expect(await look.verify({ structure: true })).toMatchObject({ records: 2, ...found });
  });
});

describe('inspectOutbox', () => {
  it('reads while another connection writes, and changes nothing', async () => {
    const path = join(tempDir(), 'outbox.db');
    await using outbox = openOutbox({ path });
    await outbox.enqueue(record('a'));
    using look = inspectOutbox({ path });
    expect((await look.list()).map((entry) => entry.id)).toEqual(['a']);
    await outbox.enqueue(record('b'));
    expect((await look.count()).ready.records).toBe(2);
    const writer = new DatabaseSync(path);
    writer.exec('BEGIN IMMEDIATE');
    expect((await collect(look.export())).map((entry) => entry.id)).toEqual(['a', 'b']);
    expect((await look.verify({ structure: true })).ok).toBe(true);
    writer.close();
    expect(Object.keys(look)).not.toContain('drop');
  });

  it('finds the only outbox of a file by itself, and asks when there are several', async () => {
    const path = join(tempDir(), 'shared.db');
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE other_total (id TEXT)');
    database.close();
    expect(() => inspectOutbox({ path })).toThrow(expect.objectContaining({ code: 'no_outbox' }));
    {
      await using results = openOutbox({ path, table: 'results' });
      await results.enqueue(record('a'));
      using look = inspectOutbox({ path });
      expect(look.table).toBe('results');
    }
    await using _ = openOutbox({ path, table: 'events' });
    expect(() => inspectOutbox({ path })).toThrow(/events, results/);
    using look = inspectOutbox({ path, table: 'results' });
    expect((await look.list()).map((entry) => entry.id)).toEqual(['a']);
  });

  it.each<{ name: string; prepare: (path: string) => void; code: string }>([
    { name: 'nothing', prepare: () => {}, code: 'no_outbox' },
    { name: 'a directory', prepare: (path) => mkdirSync(path), code: 'no_outbox' },
    { name: 'an empty file', prepare: (path) => writeFileSync(path, ''), code: 'no_outbox' },
    {
      name: 'a file of another kind',
      prepare: (path) => writeFileSync(path, 'name,size\n'.repeat(900)),
      code: 'damaged',
    },
  ])('says what is wrong with $name, and leaves it alone', ({ prepare, code }) => {
    const path = join(tempDir(), 'outbox.db');
    prepare(path);
    const before = readdirSync(join(path, '..'));
    expect(() => inspectOutbox({ path })).toThrow(expect.objectContaining({ name: 'OutboxError', code }));
    expect(readdirSync(join(path, '..'))).toEqual(before);
  });

  it.each([false, true])('makes nothing beside a file that nobody has open (damaged: %s)', async (damaged) => {
    const path = join(tempDir(), 'outbox.db');
    {
      await using outbox = openOutbox({ path });
      await Promise.all(Array.from({ length: 300 }, (_, index) => outbox.enqueue(record(`r${index}`))));
    }
    if (damaged) {
      const file = readFileSync(path);
      writeFileSync(path, file.fill(0xa5, 8_192));
    }
    const before = [readdirSync(join(path, '..')), readFileSync(path)];
    const looked = await (async () => {
      using look = inspectOutbox({ path });
      return (await look.list()).length;
    })().catch((error) => error.code);
    expect(looked).toBe(damaged ? 'damaged' : 100);
    expect([readdirSync(join(path, '..')), readFileSync(path)]).toEqual(before);
  });

  it('follows a file that is opened, changed and closed by its owner between two looks', async () => {
    const path = join(tempDir(), 'outbox.db');
    await openOutbox({ path })[Symbol.asyncDispose]();
    using look = inspectOutbox({ path });
    expect(await look.list()).toEqual([]);
    {
      await using outbox = openOutbox({ path });
      await outbox.enqueue(record('a'));
    }
    expect((await look.list()).map((entry) => entry.id)).toEqual(['a']);
    await using outbox = openOutbox({ path });
    await outbox.enqueue(record('b'));
    expect((await look.list()).map((entry) => entry.id)).toEqual(['a', 'b']);
  });

  it('says that another process has locked the file', async () => {
    const path = join(tempDir(), 'outbox.db');
    await openOutbox({ path })[Symbol.asyncDispose]();
    const holder = new DatabaseSync(path);
    holder.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    expect(() => inspectOutbox({ path, limits: { lockWaitMs: 1 } })).toThrow(expect.objectContaining({ code: 'busy' }));
    holder.close();
  });

  it('reads a file in a directory that nobody can write to, and adds nothing there', async () => {
    const directory = tempDir();
    const path = join(directory, 'outbox.db');
    {
      await using outbox = openOutbox({ path });
      await outbox.enqueue(record('a'));
    }
    chmodSync(directory, 0o555);
    try {
      using look = inspectOutbox({ path });
      expect((await look.list()).map((entry) => entry.id)).toEqual(['a']);
    } finally {
      chmodSync(directory, 0o755);
    }
    expect(readFileSync(path).subarray(0, 15).toString()).toBe('SQLite format 3');
  });
});

describe('replay, quarantine and drop', () => {
  it('handle more records than one step, each once', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    const ids = Array.from({ length: 700 }, (_, index) => `r${index}`);
    await Promise.all(ids.map((id) => outbox.enqueue(record(id))));
    expect(await outbox.quarantine({ state: 'ready' }, { reason: 'by hand' })).toBe(700);
    expect(await outbox.count()).toMatchObject({ ready: { records: 0 }, quarantined: { records: 700 } });
    expect(await outbox.replay({ ids: [...ids, 'nobody', 'r1'] })).toBe(700);
    expect(await outbox.replay({ state: 'quarantined' })).toBe(0);
    expect(await outbox.drop({ state: 'ready' })).toBe(700);
    expect((await outbox.verify({ structure: true })).ok).toBe(true);
  });

  it('ask for a selection that makes sense', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    for (const selection of [{}, { state: 'gone' }, { ids: 'a' }, { ids: [], state: 'ready' }])
      await expect(outbox.drop(selection as never)).rejects.toThrow(TypeError);
  });
});
