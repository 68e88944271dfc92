import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openDurable } from '@kanade/durable';
import { inspectOutbox, type OutboxEvent, openOutbox, outboxPart } from '@kanade/outbox';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { tempDir } from './temp-dir.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const record = (id: string, more: object = {}) => ({ id, subject: 's', body: bytes(id), ...more });

/** A file with a table of the caller's and an outbox in it. */
const openShared = (path = join(tempDir(), 'shared.db'), more: object = {}) =>
  openDurable({
    path,
    parts: [
      { name: 'ledger', migrations: ['CREATE TABLE ledger (id TEXT) STRICT'], tables: [{ name: 'ledger' }] },
      outboxPart(),
    ],
    ...more,
  });

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
        receipt: null,
        bytes: 12,
        enqueuedAtMs: 1_000,
        dueAtMs: 2_000,
        expiresAtMs: 9_000,
        cursor: 1,
      },
    ]);
  });

  it('commits what one turn enqueues together, at most commitChangesMax at a time', async () => {
    const path = join(tempDir(), 'outbox.db');
    await using outbox = openOutbox({ path, limits: { commitChangesMax: 100, commitBudgetMs: 60_000 } });
    const records = Array.from({ length: 250 }, (_, index) => outbox.enqueue(record(`r${index}`)));
    using look = inspectOutbox({ path });
    const seen = new Set<number>();
    await Promise.all(
      records.map(async (queued) => {
        await queued;
        seen.add((await look.count()).ready.records);
      }),
    );
    expect([...seen]).toEqual([100, 200, 250]);
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

  it('waits for a transaction that another connection holds over turns, and gives up after lockWaitMs', async () => {
    const path = join(tempDir(), 'outbox.db');
    const clock = createManualClock();
    await using outbox = openOutbox({ path, clock });
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const late = outbox.enqueue(record('late')).catch((error) => error.code);
    await clock.pass(10_100);
    expect(await late).toBe('busy');
    const next = outbox.enqueue(record('next'));
    await clock.pass(100);
    other.close();
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

const undo = new Error('undone');
const undone = (work: () => unknown) => expect(work).toThrow(undo);

describe('enqueueIn', () => {
  it('reports what was dropped for it after the commit, and nothing that was rolled back', async () => {
    const events: OutboxEvent[] = [];
    await using durable = openShared();
    await using outbox = openOutbox({
      durable,
      limits: { recordsMax: 2, whenFull: 'drop-oldest-of-priority' },
      onEvent: (event) => events.push(event),
    });
    for (const id of ['a', 'b']) await outbox.enqueue(record(id));
    undone(() =>
      durable.transact((tx) => {
        for (const id of ['c', 'd', 'e', 'f']) outbox.enqueueIn(tx, record(id));
        throw undo;
      }),
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual([]);
    durable.transact((tx) => outbox.enqueueIn(tx, record('g')));
    await eventually('the event', () => events.length > 0);
    expect(events).toEqual([{ type: 'dropped', id: 'a', bytes: 5, reason: 'over_budget' }]);
    expect((await outbox.drops()).map((entry) => entry.id)).toEqual(['a']);
  });

  it('lives and dies with the transaction of the caller', async () => {
    await using durable = openShared();
    await using outbox = openOutbox({ durable });
    const enter = (id: string, isUndone: boolean) =>
      durable.transact((tx) => {
        tx.sql('INSERT INTO ledger VALUES (?)').run(id);
        expect(outbox.enqueueIn(tx, record(id))).toEqual({ kind: 'queued' });
        if (isUndone) throw undo;
      });
    undone(() => enter('undone', true));
    enter('kept', false);
    await Promise.allSettled([durable.commit((tx) => outbox.enqueueIn(tx, record('grouped')))]);
    expect(
      await durable.read((sql) =>
        sql('SELECT id FROM ledger')
          .all()
          .map(({ id }) => id),
      ),
    ).toEqual(['kept']);
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['kept', 'grouped']);
    expect(await outbox.count()).toMatchObject({ ready: { records: 2 } });
    expect((await outbox.verify({ structure: true })).ok).toBe(true);
  });

  it('counts right when a refusal is caught and the transaction goes on', async () => {
    await using durable = openShared();
    await using outbox = openOutbox({ durable });
    durable.transact((tx) => {
      outbox.enqueueIn(tx, record('a'));
      expect(() => outbox.enqueueIn(tx, { ...record('a'), body: bytes('other') })).toThrow(/other content/);
      outbox.enqueueIn(tx, record('b'));
    });
    expect((await outbox.list()).map((entry) => entry.id)).toEqual(['a', 'b']);
    expect((await outbox.verify({ structure: true })).ok).toBe(true);
  });

  it('wakes the drainer after the commit', async () => {
    const clock = createManualClock();
    const delivered: string[] = [];
    await using durable = openShared(undefined, { clock });
    await using outbox = openOutbox({ durable, clock });
    const draining = outbox.drain({ deliver: async ({ id }) => void delivered.push(id) });
    await clock.pass(10);
    durable.transact((tx) => outbox.enqueueIn(tx, record('a')));
    await clock.pass(0);
    expect(delivered).toEqual(['a']);
    await outbox[Symbol.asyncDispose]();
    expect(await draining).toEqual({ delivered: 1, failed: 0, quarantined: 0 });
  });

  it('refuses the transaction of another file, and one that is over', async () => {
    await using durable = openShared();
    await using outbox = openOutbox({ durable });
    await using other = openOutbox({ path: join(tempDir(), 'own.db') });
    const over = durable.transact((tx) => {
      expect(() => other.enqueueIn(tx, record('a'))).toThrow(TypeError);
      return tx;
    });
    expect(() => outbox.enqueueIn(over, record('a'))).toThrow(TypeError);
  });
});

describe('openOutbox', () => {
  it('keeps two tables of one file apart', async () => {
    const parts = [outboxPart('results'), outboxPart('events')];
    await using durable = openDurable({ path: join(tempDir(), 'shared.db'), parts });
    await using results = openOutbox({ durable, table: 'results' });
    await using events = openOutbox({ durable, table: 'events' });
    await results.enqueue(record('a'));
    expect(await events.list()).toEqual([]);
    expect(await durable.partNames()).toEqual(['outbox.events', 'outbox.results']);
  });

  it('refuses a table of somebody else, strange names, and neither file nor path', () => {
    const path = join(tempDir(), 'shared.db');
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE mine (id TEXT)');
    database.close();
    expect(() => openOutbox({ path, table: 'mine' })).toThrow(expect.objectContaining({ code: 'foreign_table' }));
    expect(() => openOutbox({ path, table: 'a"b' })).toThrow(TypeError);
    expect(() => openOutbox({} as never)).toThrow(TypeError);
  });

  it('as a guest changes what is there, and makes, repairs and brings up to date nothing', async () => {
    const path = join(tempDir(), 'outbox.db');
    expect(() => openOutbox({ path, as: 'guest' })).toThrow(expect.objectContaining({ code: 'no_outbox' }));
    expect(existsSync(path)).toBe(false);
    await using owner = openOutbox({ path });
    {
      await using guest = openOutbox({ path, as: 'guest' });
      await guest.enqueue(record('a'));
    }
    expect((await owner.list()).map((entry) => entry.id)).toEqual(['a']);
    await owner[Symbol.asyncDispose]();
    writeFileSync(path, 'no database');
    expect(() => openOutbox({ path, as: 'guest' })).toThrow(expect.objectContaining({ code: 'damaged' }));
    expect(readFileSync(path, 'utf8')).toBe('no database');
  });
});
