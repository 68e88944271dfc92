import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OutboxEvent, openOutbox } from '@kanade/outbox';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { tempDir } from './temp-dir.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const record = (id: string, more: object = {}) => ({ id, subject: 's', body: bytes(id), ...more });

/** A real database that counts its commits. */
class CountedDatabase extends DatabaseSync {
  commits = 0;
  override exec(sql: string): void {
    super.exec(sql);
    if (sql === 'COMMIT') this.commits++;
  }
}

describe('enqueue', () => {
  it('keeps everything about a record over a reopening', async () => {
    const path = join(tempDir(), 'outbox.db');
    const clock = createManualClock(1_000);
    const full = record('a', { headers: { h: 'v' }, priority: 3, notBeforeMs: 2_000, expiresAtMs: 9_000 });
    {
      await using outbox = openOutbox({ path, clock });
      expect(await outbox.enqueue(full)).toEqual({ kind: 'queued' });
    }
    await using outbox = openOutbox({ path, clock });
    expect(await outbox.list()).toEqual([
      {
        id: 'a',
        subject: 's',
        headers: { h: 'v' },
        orderKey: null,
        state: 'waiting',
        priority: 3,
        attempts: 0,
        reason: null,
        bytes: 12,
        enqueuedAtMs: 1_000,
        dueAtMs: 2_000,
        expiresAtMs: 9_000,
        cursor: 1,
      },
    ]);
  });

  it('commits what one turn enqueues together, at most commitRecordsMax at a time', async () => {
    const database = new CountedDatabase(join(tempDir(), 'shared.db'));
    await using outbox = openOutbox({ database, limits: { commitRecordsMax: 100, commitBudgetMs: 60_000 } });
    database.commits = 0;
    await Promise.all(Array.from({ length: 250 }, (_, index) => outbox.enqueue(record(`r${index}`))));
    expect(database.commits).toBe(3);
    expect((await outbox.count()).ready.records).toBe(250);
  });

  it('takes the same id and bytes once, and refuses other bytes without harm to the rest of the commit', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db') });
    const outcomes = await Promise.allSettled([
      outbox.enqueue(record('a')),
      outbox.enqueue(record('a')),
      outbox.enqueue({ ...record('a'), body: bytes('other') }),
      outbox.enqueue(record('b')),
    ]);
    expect(outcomes).toMatchObject([
      { value: { kind: 'queued' } },
      { value: { kind: 'duplicate' } },
      { reason: { code: 'id_conflict' } },
      { value: { kind: 'queued' } },
    ]);
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['a', 'b']);
  });

  it('refuses over budget and says the limit', async () => {
    await using outbox = openOutbox({ path: join(tempDir(), 'outbox.db'), limits: { recordsMax: 2 } });
    await outbox.enqueue(record('a'));
    await outbox.enqueue(record('b'));
    const exceeded = { limit: 'recordsMax', maximum: 2, actual: 3 };
    await expect(outbox.enqueue(record('c'))).rejects.toMatchObject({ code: 'over_budget', exceeded });
    expect(await outbox.enqueue(record('a'))).toEqual({ kind: 'duplicate' });
    expect((await outbox.count()).ready.records).toBe(2);
  });

  it('makes room by policy: what expired first, then the oldest, each reported and counted', async () => {
    const events: OutboxEvent[] = [];
    const clock = createManualClock(1_000);
    const limits = { bytesMax: 15, whenFull: 'drop-oldest-of-priority' } as const;
    await using outbox = openOutbox({
      path: join(tempDir(), 'outbox.db'),
      limits,
      clock,
      onEvent: (e) => events.push(e),
    });
    await outbox.enqueue(record('a'));
    await outbox.enqueue(record('b', { expiresAtMs: 1_500 }));
    await outbox.enqueue(record('c'));
    clock.set(2_000);
    await outbox.enqueue(record('d'));
    await outbox.enqueue(record('e'));
    await expect(outbox.enqueue(record('f', { body: new Uint8Array(99) }))).rejects.toMatchObject({
      code: 'over_budget',
    });
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['c', 'd', 'e']);
    expect(events).toEqual([
      { type: 'dropped', id: 'b', bytes: 5, reason: 'expired' },
      { type: 'dropped', id: 'a', bytes: 5, reason: 'over_budget' },
    ]);
    const tally = { records: 1, bytes: 5 };
    expect((await outbox.count()).dropped).toMatchObject({ expired: tally, over_budget: tally });
  });

  it('waits for a transaction that the caller holds over turns, and gives up after lockWaitMs', async () => {
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    const clock = createManualClock();
    await using outbox = openOutbox({ database, clock });
    database.exec('BEGIN');
    const late = outbox.enqueue(record('late')).catch((error) => error.code);
    await clock.pass(10_100);
    expect(await late).toBe('busy');
    const next = outbox.enqueue(record('next'));
    await clock.pass(100);
    database.exec('ROLLBACK');
    await clock.pass(100);
    expect(await next).toEqual({ kind: 'queued' });
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['next']);
  });

  it('is over after closing, which keeps what was under way', async () => {
    const path = join(tempDir(), 'outbox.db');
    const outbox = openOutbox({ path });
    const last = outbox.enqueue(record('last'));
    await outbox[Symbol.asyncDispose]();
    await outbox[Symbol.asyncDispose]();
    expect(await last).toEqual({ kind: 'queued' });
    await expect(outbox.enqueue(record('late'))).rejects.toMatchObject({ code: 'closed' });
    await expect(outbox.list()).rejects.toMatchObject({ code: 'closed' });
    expect(existsSync(`${path}-wal`)).toBe(false);
  });
});

describe('enqueueIn', () => {
  it('reports what was dropped for it after the COMMIT, and nothing that was rolled back', async () => {
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    const events: OutboxEvent[] = [];
    await using outbox = openOutbox({
      database,
      limits: { recordsMax: 2, whenFull: 'drop-oldest-of-priority', pollMs: 5 },
      onEvent: (event) => events.push(event),
    });
    for (const id of ['a', 'b']) await outbox.enqueue(record(id));
    database.exec('BEGIN');
    for (const id of ['c', 'd', 'e', 'f']) outbox.enqueueIn(database, record(id));
    database.exec('ROLLBACK');
    database.exec('BEGIN');
    outbox.enqueueIn(database, record('g'));
    database.exec('SAVEPOINT s');
    outbox.enqueueIn(database, record('h'));
    database.exec('ROLLBACK TO s');
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    database.exec('COMMIT');
    await eventually('the event', () => events.length > 0);
    expect(events).toEqual([{ type: 'dropped', id: 'a', bytes: 5, reason: 'over_budget' }]);
    expect((await outbox.drops()).map((entry) => entry.id)).toEqual(['a']);
  });

  it('lives and dies with the transaction of the caller', async () => {
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    database.exec('CREATE TABLE ledger (id TEXT)');
    await using outbox = openOutbox({ database });
    for (const end of ['ROLLBACK', 'COMMIT']) {
      database.exec('BEGIN');
      database.prepare('INSERT INTO ledger VALUES (?)').run(end);
      expect(outbox.enqueueIn(database, record(end))).toEqual({ kind: 'queued' });
      database.exec(end);
    }
    expect(database.prepare('SELECT id FROM ledger').all()).toEqual([{ id: 'COMMIT' }]);
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['COMMIT']);
    expect((await outbox.count()).ready.records).toBe(1);
  });

  it('wakes the drainer, which does not see a record before its commit', async () => {
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    const clock = createManualClock();
    const delivered: string[] = [];
    await using outbox = openOutbox({ database, clock });
    const draining = outbox.drain({ deliver: async ({ id }) => void delivered.push(id) });
    await clock.pass(10);
    database.exec('BEGIN');
    outbox.enqueueIn(database, record('a'));
    outbox.wake();
    await clock.pass(500);
    expect(delivered).toEqual([]);
    database.exec('COMMIT');
    outbox.wake();
    await clock.pass(60);
    expect(delivered).toEqual(['a']);
    database.exec('BEGIN');
    outbox.enqueueIn(database, record('b'));
    database.exec('COMMIT');
    await clock.pass(0);
    expect(delivered).toEqual(['a', 'b']);
    await outbox[Symbol.asyncDispose]();
    expect(await draining).toEqual({ delivered: 2, failed: 0, quarantined: 0 });
  });

  it('reports what made room only if the caller commits', async () => {
    const events: OutboxEvent[] = [];
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    const limits = { recordsMax: 1, whenFull: 'drop-oldest-of-priority' } as const;
    await using outbox = openOutbox({ database, limits, onEvent: (event) => events.push(event) });
    await outbox.enqueue(record('a'));
    for (const [id, end] of [['b', 'ROLLBACK'] as const, ['c', 'COMMIT'] as const]) {
      database.exec('BEGIN');
      outbox.enqueueIn(database, record(id));
      database.exec(end);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(events).toEqual([{ type: 'dropped', id: 'a', bytes: 5, reason: 'over_budget' }]);
  });

  it('refuses another database and no transaction', async () => {
    const directory = tempDir();
    const database = new DatabaseSync(join(directory, 'shared.db'));
    await using outbox = openOutbox({ database });
    await using owner = openOutbox({ path: join(directory, 'own.db') });
    expect(() => outbox.enqueueIn(database, record('a'))).toThrow(/none is open/);
    database.exec('BEGIN');
    expect(() => owner.enqueueIn(database, record('a'))).toThrow(TypeError);
    database.exec('ROLLBACK');
  });
});

describe('openOutbox', () => {
  it('keeps two tables of one database apart', async () => {
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    await using results = openOutbox({ database, table: 'results' });
    await using events = openOutbox({ database, table: 'events' });
    await results.enqueue(record('a'));
    expect(await events.list()).toEqual([]);
  });

  it('refuses a database that would lose commits, a table of somebody else, and strange names', () => {
    const database = new DatabaseSync(join(tempDir(), 'shared.db'));
    database.exec('CREATE TABLE mine (id TEXT)');
    expect(() => openOutbox({ database, table: 'mine' })).toThrow(expect.objectContaining({ code: 'foreign_table' }));
    expect(() => openOutbox({ database, table: 'a"b' })).toThrow(TypeError);
    expect(() => openOutbox({})).toThrow(TypeError);
    database.exec('PRAGMA synchronous = NORMAL');
    expect(() => openOutbox({ database })).toThrow(expect.objectContaining({ code: 'not_durable' }));
  });
});
