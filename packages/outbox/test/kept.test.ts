/** Records that were delivered with a receipt: they stay for the day on which the other side has lost them. */
import { join } from 'node:path';
import { type OpenOutboxOptions, openOutbox, type QueuedRecord } from '@kanade/outbox';
import { expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

const record = (id: string, more: object = {}) => ({ id, subject: 's', body: new TextEncoder().encode(id), ...more });
const open = (limits: OpenOutboxOptions['limits'] = {}, path = join(tempDir(), 'outbox.db')) =>
  openOutbox({ path, limits });

/** Delivers everything that is ready, with a receipt that names the record. */
async function deliverAll(outbox: ReturnType<typeof open>): Promise<string[]> {
  const delivered: string[] = [];
  await outbox.drain({
    until: 'idle',
    concurrency: 1,
    async deliver({ id, body }: QueuedRecord) {
      delivered.push(`${id}=${new TextDecoder().decode(body)}`);
      return `place of ${id}`;
    },
  });
  return delivered;
}

it('stays with its receipt, counts for nothing that waits, and is delivered again when it is replayed', async () => {
  await using outbox = open({ recordsMax: 2 });
  for (const id of ['a', 'b']) await outbox.enqueue(record(id));
  expect(await deliverAll(outbox)).toEqual(['a=a', 'b=b']);
  expect(await outbox.count()).toMatchObject({
    ready: { records: 0, bytes: 0 },
    kept: { records: 2 },
    delivered: { records: 2 },
  });
  expect(await outbox.list({ state: 'kept' })).toMatchObject([
    { id: 'a', receipt: 'place of a', reason: null },
    { id: 'b', receipt: 'place of b', reason: null },
  ]);
  // There is room for as many as before.
  for (const id of ['c', 'd']) await outbox.enqueue(record(id));
  expect(await deliverAll(outbox)).toEqual(['c=c', 'd=d']);

  expect(await outbox.replay({ ids: ['b', 'nobody'] })).toBe(1);
  expect(await outbox.list({ state: 'ready' })).toMatchObject([{ id: 'b', receipt: null, reason: null, attempts: 0 }]);
  expect(await deliverAll(outbox)).toEqual(['b=b']);
  expect((await outbox.verify({ structure: true })).ok).toBe(true);
});

it('survives the process, and goes without a word when it is dropped', async () => {
  const path = join(tempDir(), 'outbox.db');
  {
    await using before = open({}, path);
    await before.enqueue(record('a'));
    await deliverAll(before);
  }
  await using outbox = open({}, path);
  expect(await outbox.list()).toMatchObject([{ id: 'a', state: 'kept', receipt: 'place of a' }]);
  expect(await deliverAll(outbox)).toEqual([]);
  // Nobody sets apart what was delivered.
  expect(await outbox.quarantine({ ids: ['a'] })).toBe(0);
  expect(await outbox.drop({ state: 'kept' })).toBe(1);
  expect(await outbox.list()).toEqual([]);
  expect(await outbox.drops()).toEqual([]);
  expect((await outbox.verify({ structure: true })).ok).toBe(true);
});

it('does not stand in the way of its id: what is enqueued under it is another record', async () => {
  await using outbox = open();
  await outbox.enqueue(record('a'));
  await deliverAll(outbox);
  expect(await outbox.enqueue(record('a', { body: new TextEncoder().encode('another') }))).toEqual({ kind: 'queued' });
  expect(await deliverAll(outbox)).toEqual(['a=another']);
  expect((await outbox.count()).kept.records).toBe(1);
});

it.each([
  ['records', { keptRecordsMax: 2 }],
  ['bytes', { keptBytesMax: 14 }],
])('is bounded in %s: the oldest goes', async (_, limits) => {
  await using outbox = open(limits);
  for (const id of ['aa', 'bb', 'cc', 'dd']) await outbox.enqueue(record(id));
  await deliverAll(outbox);
  expect((await outbox.list()).map(({ id }) => id)).toEqual(['cc', 'dd']);
  expect((await outbox.verify({ structure: true })).ok).toBe(true);
});

it('is nothing that is good only for a time or in its order, and nothing without a receipt', async () => {
  await using outbox = open();
  await outbox.enqueue(record('timed', { expiresAtMs: Date.now() + 3_600_000 }));
  await outbox.enqueue(record('ordered', { orderKey: 'k' }));
  await deliverAll(outbox);
  await outbox.enqueue(record('plain'));
  await outbox.drain({ until: 'idle', deliver: async () => {} });
  expect(await outbox.list()).toEqual([]);
});
