import { join } from 'node:path';
import { type OutboxEvent, openOutbox, type QueuedRecord } from '@kanade/outbox';
import { describe, expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { tempDir } from './temp-dir.ts';

const record = (id: string, orderKey?: string, more: object = {}) => ({
  id,
  subject: 's',
  body: new TextEncoder().encode(id),
  ...(orderKey === undefined ? {} : { orderKey }),
  ...more,
});

function start(more: object = {}) {
  const clock = createManualClock();
  const events: OutboxEvent[] = [];
  const path = join(tempDir(), 'outbox.db');
  const options = { path, clock, random: () => 0.5, onEvent: (event: OutboxEvent) => void events.push(event), ...more };
  return { clock, events, options, outbox: openOutbox(options) };
}

const statesOf = async (outbox: ReturnType<typeof openOutbox>) =>
  Object.fromEntries((await outbox.list()).map(({ id, state }) => [id, state]));

describe('records with one orderKey', () => {
  it('are delivered one after the other, whatever their priority; other keys and none pass', async () => {
    const { outbox } = start();
    await using _ = outbox;
    await outbox.enqueue(record('a1', 'a'));
    await outbox.enqueue(record('a2', 'a', { priority: 9 }));
    await outbox.enqueue(record('b1', 'b'));
    await outbox.enqueue(record('free'));
    const log: string[] = [];
    const deliver = async ({ id }: QueuedRecord) => {
      log.push(`+${id}`);
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
      log.push(`-${id}`);
    };
    expect(await outbox.drain({ until: 'idle', concurrency: 8, deliver })).toMatchObject({ delivered: 4 });
    expect(log.slice(0, 3)).toEqual(['+a1', '+b1', '+free']);
    expect(log.indexOf('+a2')).toBeGreaterThan(log.indexOf('-a1'));
  });

  it('wait while the first one backs off, also over a reopening, and keep their order', async () => {
    const { outbox, clock, options } = start();
    for (const id of ['a1', 'a2', 'a3']) await outbox.enqueue(record(id, 'a'));
    await outbox.drain({ until: 'idle', deliver: () => Promise.reject(new Error('no')) });
    expect(await statesOf(outbox)).toEqual({ a1: 'waiting', a2: 'held', a3: 'held' });
    expect(await outbox.count()).toMatchObject({ waiting: { records: 1 }, held: { records: 2, bytes: 14 } });
    await outbox[Symbol.asyncDispose]();

    await using again = openOutbox(options);
    const tried: string[] = [];
    const draining = again.drain({
      async deliver({ id, attempts }) {
        tried.push(`${id}/${attempts}`);
        if (id === 'a1' && attempts < 3) throw new Error('no');
      },
    });
    await clock.pass(60_000);
    expect(tried).toEqual(['a1/1', 'a1/2', 'a1/3', 'a2/0', 'a3/0']);
    await again[Symbol.asyncDispose]();
    await draining;
  });

  it('go on when the poison one among them is quarantined', async () => {
    const { outbox } = start({ limits: { attemptsMax: 1 } });
    await using _ = outbox;
    for (const id of ['a1', 'a2']) await outbox.enqueue(record(id, 'a'));
    const delivered: string[] = [];
    await outbox.drain({
      until: 'idle',
      async deliver({ id }) {
        if (id === 'a1') throw new Error('poison');
        delivered.push(id);
      },
    });
    expect(delivered).toEqual(['a2']);
    expect(await statesOf(outbox)).toEqual({ a1: 'quarantined' });
  });

  it.each([
    { name: 'dropped by hand', leave: (outbox: ReturnType<typeof openOutbox>) => outbox.drop({ ids: ['a1'] }) },
    { name: 'set apart by hand', leave: (outbox: ReturnType<typeof openOutbox>) => outbox.quarantine({ ids: ['a1'] }) },
  ])('go on when the first one is $name', async ({ leave }) => {
    const { outbox } = start();
    await using _ = outbox;
    for (const id of ['a1', 'a2', 'a3']) await outbox.enqueue(record(id, 'a'));
    expect(await leave(outbox)).toBe(1);
    expect(await statesOf(outbox)).toMatchObject({ a2: 'ready', a3: 'held' });
  });

  it('go on when the first one expires, and each waits for its own not-before', async () => {
    const { outbox, clock } = start();
    await using _ = outbox;
    const nowMs = clock.nowMs();
    await outbox.enqueue(record('a1', 'a', { notBeforeMs: nowMs + 9_000, expiresAtMs: nowMs + 1_000 }));
    await outbox.enqueue(record('a2', 'a', { notBeforeMs: nowMs + 5_000 }));
    await outbox.enqueue(record('a3', 'a'));
    const at: string[] = [];
    const draining = outbox.drain({ deliver: async ({ id }) => void at.push(`${id}@${clock.nowMs() - nowMs}`) });
    await clock.pass(20_000);
    expect(at).toEqual(['a2@5000', 'a3@5000']);
    await outbox[Symbol.asyncDispose]();
    await draining;
  });

  it('let a replayed one go first, but never beside one that is under way', async () => {
    const { outbox, clock } = start({ limits: { attemptsMax: 1 } });
    await using _ = outbox;
    for (const id of ['a1', 'a2', 'a3']) await outbox.enqueue(record(id, 'a'));
    const log: string[] = [];
    let land = () => {};
    const draining = outbox.drain({
      async deliver({ id }) {
        log.push(`+${id}`);
        if (id === 'a1' && log.length === 1) throw new Error('no');
        if (id === 'a2') await new Promise<void>((resolve) => (land = resolve));
        log.push(`-${id}`);
      },
    });
    await clock.passUntil(() => log.includes('+a2'));
    expect(await outbox.replay({ ids: ['a1'] })).toBe(1);
    await clock.pass(3_000);
    expect(log).toEqual(['+a1', '+a2']);
    expect(await statesOf(outbox)).toEqual({ a1: 'ready', a2: 'held', a3: 'held' });
    land();
    await clock.pass(3_000);
    expect(log).toEqual(['+a1', '+a2', '-a2', '+a1', '-a1', '+a3', '-a3']);
    await outbox[Symbol.asyncDispose]();
    await draining;
  });

  it('make an enqueue of the same id with another key an id_conflict', async () => {
    const { outbox } = start();
    await using _ = outbox;
    await outbox.enqueue(record('a1', 'a'));
    await expect(outbox.enqueue(record('a1', 'b'))).rejects.toMatchObject({ code: 'id_conflict' });
    expect(await outbox.enqueue(record('a1', 'a'))).toEqual({ kind: 'duplicate' });
  });
});
