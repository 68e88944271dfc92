import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspectOutbox, type OutboxEvent, openOutbox } from '@kanade/outbox';
import { describe, expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

/** A file as version 1 wrote it: its schema and three of its rows, by its own statements. */
function firstVersion(): string {
  const path = join(tempDir(), 'outbox.db');
  const database = new DatabaseSync(path);
  database.exec(readFileSync(join(import.meta.dirname, 'data/version-1.sql'), 'utf8'));
  database.close();
  return path;
}

describe('a file of version 1', () => {
  it('is brought up to date when it is opened, with everything in it', async () => {
    const path = firstVersion();
    const events: OutboxEvent[] = [];
    {
      await using outbox = openOutbox({ path, onEvent: (event) => events.push(event) });
      expect(await outbox.list()).toMatchObject([
        { id: 'ready', state: 'ready', priority: 3, headers: { a: '1' }, orderKey: null, enqueuedAtMs: 1_000 },
        { id: 'waiting', state: 'waiting', dueAtMs: 9_000_000_000_000, attempts: 2, reason: 'Error: no' },
        { id: 'poison', state: 'quarantined', attempts: 10, reason: 'Error: never' },
      ]);
      expect(await outbox.count()).toMatchObject({
        ready: { records: 1, bytes: 18 },
        waiting: { records: 1 },
        held: { records: 0 },
        quarantined: { records: 1 },
        delivered: { records: 41, bytes: 4_100 },
      });
      expect((await outbox.verify({ structure: true })).ok).toBe(true);
      await outbox.enqueue({ id: 'new', subject: 's', orderKey: 'k', body: new Uint8Array(1) });
    }
    await using again = openOutbox({ path });
    expect((await again.list()).map((entry) => entry.id)).toEqual(['ready', 'waiting', 'poison', 'new']);
    expect(events).toEqual([]);
  });

  it('is salvaged like any other when it is damaged', async () => {
    const path = firstVersion();
    const database = new DatabaseSync(path);
    const root = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'outbox_order'").get()?.rootpage;
    database.close();
    const file = readFileSync(path);
    writeFileSync(path, file.fill(0xa5, (Number(root) - 1) * 4096, Number(root) * 4096));
    const events: OutboxEvent[] = [];
    await using outbox = openOutbox({ path, onEvent: (event) => events.push(event) });
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['ready', 'waiting', 'poison']);
    expect(events).toMatchObject([{ type: 'salvaged', records: 3, lostRecords: 0 }]);
  });

  it('is not read by a look, which must not change it', () => {
    const path = firstVersion();
    expect(() => inspectOutbox({ path })).toThrow(expect.objectContaining({ code: 'older_version' }));
  });
});

it('a file of a later version, made before parts were counted, is refused and left as it is', async () => {
  const path = join(tempDir(), 'outbox.db');
  {
    await using outbox = openOutbox({ path });
    await outbox.enqueue({ id: 'a', subject: 's', body: new Uint8Array(1) });
  }
  const database = new DatabaseSync(path);
  database.exec(
    `UPDATE outbox_meta SET value = 3; ALTER TABLE outbox ADD COLUMN more TEXT; DROP TABLE durable_part; DROP TABLE durable_salvage;
     PRAGMA user_version = 0;     PRAGMA wal_checkpoint(TRUNCATE)`,
  );
  database.close();
  const before = readFileSync(path);
  expect(() => openOutbox({ path })).toThrow(expect.objectContaining({ code: 'newer_version' }));
  expect(() => inspectOutbox({ path })).toThrow(expect.objectContaining({ code: 'newer_version' }));
  expect(readFileSync(path).equals(before)).toBe(true);
});

it('a file of version 2 that does not count its parts is taken over as it is', async () => {
  const path = join(tempDir(), 'outbox.db');
  {
    await using outbox = openOutbox({ path });
    await outbox.enqueue({ id: 'a', subject: 's', body: new Uint8Array(1) });
  }
  const database = new DatabaseSync(path);
  database.exec('DROP TABLE durable_part; DROP TABLE durable_salvage; PRAGMA user_version = 0');
  database.close();
  {
    using look = inspectOutbox({ path });
    expect((await look.list()).map((entry) => entry.id)).toEqual(['a']);
    await using guest = openOutbox({ path, as: 'guest' });
    await guest.enqueue({ id: 'b', subject: 's', body: new Uint8Array(1) });
  }
  const events: OutboxEvent[] = [];
  await using outbox = openOutbox({ path, onEvent: (event) => events.push(event) });
  expect((await outbox.list()).map((entry) => entry.id)).toEqual(['a', 'b']);
  expect(events).toEqual([]);
});
