import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OutboxEvent, openOutbox, type QueuedRecord } from '@kanade/outbox';
import { eventually } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { tempDir } from './temp-dir.ts';

const record = (id: string, more: object = {}) => ({ id, subject: 's', body: new TextEncoder().encode(id), ...more });

function start(more: object = {}) {
  const clock = createManualClock();
  const events: OutboxEvent[] = [];
  const path = join(tempDir(), 'outbox.db');
  const options = { path, clock, random: () => 0.5, onEvent: (event: OutboxEvent) => void events.push(event), ...more };
  return { clock, events, path, options, outbox: openOutbox(options) };
}

describe('drain', () => {
  it('delivers the oldest first within priority, each once', async () => {
    const { outbox } = start();
    await using _ = outbox;
    for (const [id, priority] of [['a', 0] as const, ['b', 5] as const, ['c', 0] as const, ['d', 5] as const]) {
      await outbox.enqueue(record(id, { priority }));
    }
    const order: string[] = [];
    const deliver = async ({ id, body }: QueuedRecord) => void order.push(`${id}=${new TextDecoder().decode(body)}`);
    const report = await outbox.drain({ until: 'idle', concurrency: 1, deliver });
    expect(order).toEqual(['b=b', 'd=d', 'a=a', 'c=c']);
    expect(report).toEqual({ delivered: 4, failed: 0, quarantined: 0 });
    expect(await outbox.count()).toMatchObject({ ready: { records: 0, bytes: 0 }, delivered: { records: 4 } });
  });

  it('removes what is delivered within removeWaitMs of each other in one commit, and meanwhile delivers on', async () => {
    const { outbox, clock, events } = start({ limits: { removeWaitMs: 50, pollMs: 600_000 } });
    await using _ = outbox;
    const delivered: string[] = [];
    const stop = new AbortController();
    const deliver = async ({ id }: QueuedRecord) => void delivered.push(id);
    const draining = outbox.drain({ deliver, signal: stop.signal });
    for (const id of ['a', 'b', 'c']) {
      await outbox.enqueue(record(id));
      await eventually(`${id} is delivered`, () => delivered.includes(id));
    }
    expect(events).toEqual([]);
    expect(await outbox.count()).toMatchObject({ ready: { records: 3 } });
    await clock.passUntil(() => events.length > 0);
    expect(events).toEqual([{ type: 'delivered', records: 3 }]);
    await outbox.enqueue(record('d'));
    await eventually('d is delivered', () => delivered.includes('d'));
    stop.abort();
    expect(await draining).toEqual({ delivered: 4, failed: 0, quarantined: 0 });
    expect(delivered).toEqual(['a', 'b', 'c', 'd']);
  });

  it('keeps as many deliveries under way as allowed, and no more', async () => {
    const { outbox } = start();
    await using _ = outbox;
    await Promise.all(Array.from({ length: 40 }, (_, index) => outbox.enqueue(record(`r${index}`))));
    let now = 0;
    let most = 0;
    const deliver = async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now--;
    };
    await outbox.drain({ until: 'idle', concurrency: 7, deliver });
    expect(most).toBe(7);
    await expect(outbox.drain({ concurrency: 0, deliver })).rejects.toThrow(RangeError);
  });

  it('keeps room for the rest where records of a low priority take long', async () => {
    const { outbox } = start();
    await using _ = outbox;
    for (let index = 0; index < 20; index++) await outbox.enqueue(record(`low${index}`, { priority: -1 }));
    const delivered: string[] = [];
    const slow = Promise.withResolvers<void>();
    let most = 0;
    const under = new Set<string>();
    const deliver = async ({ id, priority }: QueuedRecord) => {
      under.add(id);
      most = Math.max(most, [...under].filter((one) => one.startsWith('low')).length);
      if (priority < 0) await slow.promise;
      under.delete(id);
      delivered.push(id);
    };
    const draining = outbox.drain({ until: 'idle', concurrency: 4, lowConcurrency: 2, deliver });
    await eventually('the low ones are under way', () => under.size === 2);
    for (const id of ['a', 'b', 'c']) await outbox.enqueue(record(id));
    await eventually('the rest is delivered', () => delivered.length === 3);
    slow.resolve();
    expect(await draining).toMatchObject({ delivered: 23 });
    expect([delivered.slice(0, 3).toSorted(), most]).toEqual([['a', 'b', 'c'], 2]);
    await expect(outbox.drain({ lowConcurrency: 0, deliver })).rejects.toThrow(RangeError);
  });

  it('keeps the bodies under way within inFlightBytesMax, but always allows one', async () => {
    const { outbox } = start({ limits: { inFlightBytesMax: 1_000 } });
    await using _ = outbox;
    for (const [id, bytes] of [['a', 400] as const, ['b', 400] as const, ['c', 400] as const, ['big', 5_000] as const])
      await outbox.enqueue(record(id, { body: new Uint8Array(bytes) }));
    let under = 0;
    let most = 0;
    const deliver = async ({ body }: QueuedRecord) => {
      under += body.byteLength;
      most = Math.max(most, under);
      await new Promise((resolve) => setImmediate(resolve));
      under -= body.byteLength;
    };
    expect(await outbox.drain({ until: 'idle', deliver })).toMatchObject({ delivered: 4 });
    // The one that goes over the limit is the last to start.
    expect(most).toBeLessThan(1_000 + 5_000);
    expect(most).toBeGreaterThanOrEqual(5_000);
  });

  it('backs off 1 s doubling, then quarantines with the reason; others pass meanwhile', async () => {
    const { outbox, clock, events } = start();
    await using _ = outbox;
    const startMs = clock.nowMs();
    await outbox.enqueue(record('poison'));
    await outbox.enqueue(record('good'));
    const triedMs: number[] = [];
    const draining = outbox.drain({
      async deliver({ id }) {
        if (id !== 'poison') return;
        triedMs.push(clock.nowMs() - startMs);
        throw new Error('not for us');
      },
    });
    await clock.passUntil(() => events.some((event) => event.type === 'quarantined'));
    expect(triedMs).toEqual([0, 1, 3, 7, 15, 31, 63, 127, 255, 511].map((seconds) => seconds * 1_000));
    expect(events.filter((event) => event.type !== 'failed')).toEqual([
      { type: 'delivered', records: 1 },
      { type: 'quarantined', id: 'poison', attempts: 10, reason: 'Error: not for us' },
    ]);
    expect(await outbox.quarantined()).toMatchObject([{ id: 'poison', attempts: 10, reason: 'Error: not for us' }]);
    expect(await outbox.replay({ ids: ['poison'] })).toBe(1);
    await clock.passUntil(() => triedMs.length === 11);
    expect(await outbox.drop({ ids: ['poison'] })).toBe(1);
    await outbox[Symbol.asyncDispose]();
    expect(await draining).toEqual({ delivered: 1, failed: 11, quarantined: 1 });
  });

  it('keeps the back-off and its count over a reopening', async () => {
    const { outbox, clock, options } = start();
    await outbox.enqueue(record('a'));
    const fail = () => Promise.reject(new Error('no'));
    await outbox.drain({ until: 'idle', deliver: fail });
    await outbox[Symbol.asyncDispose]();

    await using again = openOutbox(options);
    const attempts: number[] = [];
    const draining = again.drain({ deliver: async (out) => void attempts.push(out.attempts) });
    await clock.pass(999);
    expect(attempts).toEqual([]);
    await clock.pass(1);
    expect(attempts).toEqual([1]);
    await again[Symbol.asyncDispose]();
    expect(await draining).toMatchObject({ delivered: 1 });
  });

  it('attempts and counts nothing while offline, and starts at once with wake', async () => {
    const { outbox, clock } = start();
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    let online = false;
    const attempts: number[] = [];
    const draining = outbox.drain({ isOnline: () => online, deliver: async (out) => void attempts.push(out.attempts) });
    await clock.pass(3_600_000);
    expect(attempts).toEqual([]);
    online = true;
    outbox.wake();
    await clock.pass(0);
    expect(attempts).toEqual([0]);
    await outbox[Symbol.asyncDispose]();
    expect(await draining).toEqual({ delivered: 1, failed: 0, quarantined: 0 });
  });

  it('does not count a failure that came with the loss of the line', async () => {
    const { outbox, clock } = start();
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    let online = true;
    const deliver = async () => {
      online = false;
      throw new Error('connection lost');
    };
    const draining = outbox.drain({ isOnline: () => online, deliver });
    await clock.pass(60_000);
    expect(await outbox.list()).toMatchObject([{ id: 'a', state: 'ready', attempts: 0 }]);
    await outbox[Symbol.asyncDispose]();
    expect(await draining).toEqual({ delivered: 0, failed: 0, quarantined: 0 });
  });

  it('wakes at once on enqueue, and by itself for what another process stored', async () => {
    const { outbox, clock, path } = start();
    await using _ = outbox;
    const delivered: string[] = [];
    const draining = outbox.drain({ deliver: async ({ id }) => void delivered.push(id) });
    await clock.pass(10);
    await outbox.enqueue(record('own'));
    await clock.pass(0);
    expect(delivered).toEqual(['own']);
    await using other = openOutbox({ path });
    await other.enqueue(record('foreign'));
    await clock.pass(1_000);
    expect(delivered).toEqual(['own', 'foreign']);
    await outbox[Symbol.asyncDispose]();
    await draining;
  });

  it('holds a record until its not-before, and drops it at its expiry', async () => {
    const { outbox, clock, events } = start();
    await using _ = outbox;
    const startMs = clock.nowMs();
    await outbox.enqueue(record('later', { notBeforeMs: startMs + 5_000 }));
    await outbox.enqueue(record('never', { notBeforeMs: startMs + 5_000, expiresAtMs: startMs + 4_000 }));
    const deliveredMs: number[] = [];
    const draining = outbox.drain({ deliver: async () => void deliveredMs.push(clock.nowMs() - startMs) });
    await clock.pass(10_000);
    expect(deliveredMs).toEqual([5_000]);
    expect(events).toContainEqual({ type: 'dropped', id: 'never', bytes: 13, reason: 'expired' });
    await outbox[Symbol.asyncDispose]();
    await draining;
  });

  it('does not wait for a clock that was ahead', async () => {
    const { outbox, clock } = start();
    await using _ = outbox;
    const soonMs = clock.nowMs();
    clock.set(soonMs + 365 * 86_400_000);
    await outbox.enqueue(record('a'));
    await outbox.drain({ until: 'idle', deliver: () => Promise.reject(new Error('no')) });
    clock.set(soonMs);
    const delivered: string[] = [];
    const draining = outbox.drain({ deliver: async ({ id }) => void delivered.push(id) });
    await clock.pass(300_000);
    expect(delivered).toEqual(['a']);
    await outbox[Symbol.asyncDispose]();
    await draining;
  });

  it('fails an attempt at its deadline even if deliver never comes back', async () => {
    const { outbox, clock, events } = start();
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    let aborted = false;
    const draining = outbox.drain({
      deliver: (_out, { signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return new Promise(() => {});
      },
    });
    await clock.passUntil(() => events.length > 0);
    expect(aborted).toBe(true);
    expect(events).toMatchObject([
      { type: 'failed', id: 'a', attempts: 1, reason: expect.stringContaining('30000 ms') },
    ]);
    const closing = outbox[Symbol.asyncDispose]();
    await clock.pass(5_000);
    await closing;
    await draining;
  });

  it('lets deliveries end when stopped: a success counts, a failure does not, a silent one is given up', async () => {
    const { outbox, clock } = start();
    await using _ = outbox;
    for (const id of ['ends', 'fails', 'silent']) await outbox.enqueue(record(id));
    const stop = new AbortController();
    const deliver = ({ id }: QueuedRecord, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => {
          if (id === 'ends') resolve();
          if (id === 'fails') reject(signal.reason);
        });
      });
    const draining = outbox.drain({ deliver, signal: stop.signal });
    await clock.pass(10);
    stop.abort();
    await clock.pass(5_000);
    expect(await draining).toEqual({ delivered: 1, failed: 0, quarantined: 0 });
    expect(await outbox.list()).toMatchObject([
      { id: 'fails', state: 'ready', attempts: 0 },
      { id: 'silent', state: 'ready', attempts: 0 },
    ]);
  });

  it('removes before it delivers more when the commit had to wait, and delivers nothing twice', async () => {
    const { outbox, clock, events, path } = start({ limits: { lockWaitMs: 1_000 } });
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    const other = new DatabaseSync(path);
    const delivered: string[] = [];
    const draining = outbox.drain({
      async deliver({ id }) {
        delivered.push(id);
        other.exec('BEGIN IMMEDIATE');
      },
    });
    await clock.passUntil(() => events.some((event) => event.type === 'stalled'));
    await clock.pass(5_000);
    other.exec('COMMIT');
    other.close();
    await clock.passUntil(() => events.some((event) => event.type === 'delivered'));
    expect(delivered).toEqual(['a']);
    await outbox[Symbol.asyncDispose]();
    expect(await draining).toMatchObject({ delivered: 1 });
  });

  it.each([
    { name: 'fails', fail: true, left: [{ id: 'a', state: 'quarantined', reason: 'by hand', attempts: 0 }] },
    { name: 'succeeds', fail: false, left: [] },
  ])('leaves a record in the quarantine that was set apart by hand while its attempt $name', async ({ fail, left }) => {
    const { outbox, events } = start();
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    await outbox.drain({
      until: 'idle',
      async deliver() {
        await outbox.quarantine({ ids: ['a'] }, { reason: 'by hand' });
        if (fail) throw new Error('no');
      },
    });
    expect(await outbox.list()).toMatchObject(left);
    expect((await outbox.list()).length).toBe(left.length);
    expect(events.map((event) => event.type)).toEqual(fail ? [] : ['delivered']);
    expect((await outbox.verify({ structure: true })).ok).toBe(true);
  });

  it('is alone per store, and free again after its end', async () => {
    const { outbox, path } = start();
    await using _ = outbox;
    await using other = openOutbox({ path });
    const stop = new AbortController();
    const deliver = async () => {};
    const first = outbox.drain({ deliver, signal: stop.signal });
    // Until idle: a drainer that gets in must fail this test, not keep it waiting.
    for (const late of [outbox, other])
      await expect(late.drain({ deliver, until: 'idle' })).rejects.toMatchObject({ code: 'drainer_exists' });
    stop.abort();
    await first;
    expect(await other.drain({ deliver, until: 'idle' })).toEqual({ delivered: 0, failed: 0, quarantined: 0 });
  });

  it('gives the space of what was delivered back to the disk while it idles', async () => {
    const path = join(tempDir(), 'outbox.db');
    await using outbox = openOutbox({ path, limits: { pollMs: 10 } });
    const body = new Uint8Array(100_000).fill(1);
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => outbox.enqueue({ id: `r${index}`, subject: 's', body })),
    );
    const fullBytes = statSync(path).size;
    const stop = new AbortController();
    const draining = outbox.drain({ signal: stop.signal, deliver: async () => {} });
    await eventually('the file to shrink', () => statSync(path).size < 2.5e6);
    expect(statSync(`${path}-wal`).size).toBeLessThan(5e6);
    stop.abort();
    expect(await draining).toMatchObject({ delivered: 100 });
    expect(fullBytes).toBeGreaterThan(9e6);
  });

  it.each<{ name: string; fail: () => Promise<void>; reason: string }>([
    {
      name: 'an object without a prototype',
      fail: () => Promise.reject(Object.create(null)),
      reason: '[Object: null prototype] {}',
    },
    {
      name: 'an error that cannot be read',
      fail: () => Promise.reject(Object.defineProperty(new Error('a'), 'message', { get: () => JSON.parse('{') })),
      reason: 'a value that cannot be printed (object)',
    },
  ])('takes a rejection with $name for a failure', async ({ fail, reason }) => {
    const { outbox } = start({ limits: { attemptsMax: 1 } });
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    expect(await outbox.drain({ until: 'idle', deliver: fail })).toEqual({ delivered: 0, failed: 1, quarantined: 1 });
    expect(await outbox.quarantined()).toMatchObject([{ reason }]);
  });

  it('ends in order when isOnline throws: what is delivered is removed, and the drain rejects with what was thrown', async () => {
    const { outbox } = start();
    await using _ = outbox;
    for (const id of ['a', 'b']) await outbox.enqueue(record(id));
    const thrown = new Error('no such interface');
    let looks = 0;
    const isOnline = () => {
      if (++looks > 1) throw thrown;
      return true;
    };
    await expect(outbox.drain({ isOnline, concurrency: 1, deliver: async () => {} })).rejects.toBe(thrown);
    expect(await outbox.count()).toMatchObject({ delivered: { records: 1 }, ready: { records: 1 } });
    expect(await outbox.drain({ until: 'idle', deliver: async () => {} })).toMatchObject({ delivered: 1 });
  });

  it.each([
    {
      name: 'at once',
      onEvent: () => {
        throw new Error('listener');
      },
    },
    {
      name: 'by a promise',
      onEvent: async () => {
        throw new Error('listener');
      },
    },
  ])('goes on when onEvent fails $name, and says so once', async ({ onEvent }) => {
    const warnings: Error[] = [];
    const hear = (warning: Error) => void warnings.push(warning);
    process.on('warning', hear);
    onTestFinished(() => void process.off('warning', hear));
    const { outbox } = start({ onEvent, limits: { attemptsMax: 1 } });
    await using _ = outbox;
    for (const id of ['a', 'b', 'c']) await outbox.enqueue(record(id));
    const deliver = ({ id }: QueuedRecord) => (id === 'a' ? Promise.resolve() : Promise.reject(new Error('no')));
    expect(await outbox.drain({ until: 'idle', deliver })).toEqual({ delivered: 1, failed: 2, quarantined: 2 });
    await eventually('a warning', () => warnings.length > 0);
    expect(warnings).toMatchObject([
      { code: 'OUTBOX_LISTENER_FAILED', message: expect.stringContaining('Error: listener') },
    ]);
  });

  it('keeps the quarantine within its limits', async () => {
    const { outbox, events } = start({ limits: { attemptsMax: 1, quarantineRecordsMax: 1 } });
    await using _ = outbox;
    await outbox.enqueue(record('a'));
    await outbox.enqueue(record('b'));
    await outbox.drain({ until: 'idle', deliver: () => Promise.reject(new Error('no')) });
    expect((await outbox.quarantined()).map((entry) => entry.id)).toEqual(['b']);
    expect(events).toContainEqual({ type: 'dropped', id: 'a', bytes: 5, reason: 'quarantine_full' });
  });
});
