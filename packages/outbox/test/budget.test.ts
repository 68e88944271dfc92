import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type OutboxEvent, type OutboxLimits, openOutbox } from '@kanade/outbox';
import { expect, it } from 'vitest';
import { createManualClock } from './manual-clock.ts';
import { tempDir } from './temp-dir.ts';

const record = (id: string, more: object = {}) => ({ id, subject: 's', body: new TextEncoder().encode(id), ...more });

function start(limits: Partial<OutboxLimits>) {
  const clock = createManualClock(1_000);
  const events: OutboxEvent[] = [];
  const path = join(tempDir(), 'outbox.db');
  return { clock, events, outbox: openOutbox({ path, clock, limits, onEvent: (event) => void events.push(event) }) };
}

const idsOf = async (outbox: ReturnType<typeof openOutbox>) => (await outbox.list()).map((entry) => entry.id);

it.each<{ whenFull: OutboxLimits['whenFull']; outcome: string; left: string[] }>([
  { whenFull: 'refuse', outcome: 'over_budget', left: ['low', 'expired', 'high'] },
  { whenFull: 'drop-expired-first', outcome: 'queued', left: ['low', 'high', 'new'] },
  { whenFull: 'drop-oldest-of-priority', outcome: 'queued', left: ['low', 'high', 'new'] },
])('$whenFull with an expired record stored: $outcome', async ({ whenFull, outcome, left }) => {
  const { outbox, clock } = start({ recordsMax: 3, whenFull });
  await using _ = outbox;
  await outbox.enqueue(record('low', { priority: -1 }));
  await outbox.enqueue(record('expired', { expiresAtMs: 1_500, priority: 5 }));
  await outbox.enqueue(record('high', { priority: 5 }));
  clock.set(2_000);
  const came = await outbox.enqueue(record('new')).then(
    (done) => done.kind,
    (error) => error.code,
  );
  expect(came).toBe(outcome);
  expect(await idsOf(outbox)).toEqual(left);
});

it('drop-expired-first refuses when nothing expired is left, and keeps every live record', async () => {
  const { outbox } = start({ recordsMax: 1 });
  await using _ = outbox;
  await outbox.enqueue(record('a'));
  await expect(outbox.enqueue(record('b', { priority: 9 }))).rejects.toMatchObject({ code: 'over_budget' });
  expect(await idsOf(outbox)).toEqual(['a']);
});

it('drop-oldest-of-priority takes the oldest of the lowest priority, in any state but quarantine, and notes each', async () => {
  const { outbox, events } = start({ recordsMax: 4, whenFull: 'drop-oldest-of-priority' });
  await using _ = outbox;
  await outbox.enqueue(record('mid', { priority: 1 }));
  await outbox.enqueue(record('low-1', { notBeforeMs: 99_000 }));
  await outbox.enqueue(record('low-2', { orderKey: 'k' }));
  await outbox.enqueue(record('low-3', { orderKey: 'k' }));
  for (const id of ['new-1', 'new-2', 'new-3']) await outbox.enqueue(record(id, { priority: 2 }));
  expect(await idsOf(outbox)).toEqual(['mid', 'new-1', 'new-2', 'new-3']);
  await expect(outbox.enqueue(record('lower', { priority: 0 }))).rejects.toMatchObject({ code: 'over_budget' });
  await outbox.enqueue(record('new-4', { priority: 2 }));
  await outbox.enqueue(record('new-5', { priority: 2 }));
  expect(await idsOf(outbox)).toEqual(['new-2', 'new-3', 'new-4', 'new-5']);
  const gone = ['low-1', 'low-2', 'low-3', 'mid', 'new-1'];
  expect(events.map((event) => event.type === 'dropped' && event.id)).toEqual(gone);
  expect(
    (await outbox.drops()).map(({ id, reason, subject, droppedAtMs }) => ({ id, reason, subject, droppedAtMs })),
  ).toEqual(gone.map((id) => ({ id, reason: 'over_budget', subject: 's', droppedAtMs: 1_000 })));
  expect((await outbox.count()).dropped.over_budget.records).toBe(5);
});

it('drop-oldest-of-priority drops nothing when that would not make enough room', async () => {
  const { outbox } = start({ bytesMax: 40, whenFull: 'drop-oldest-of-priority' });
  await using _ = outbox;
  await outbox.enqueue(record('low', { priority: -1 }));
  await outbox.enqueue(record('high', { priority: 9, body: new Uint8Array(20) }));
  const big = record('big', { body: new Uint8Array(20) });
  await expect(outbox.enqueue(big)).rejects.toMatchObject({ code: 'over_budget', exceeded: { limit: 'bytesMax' } });
  expect(await idsOf(outbox)).toEqual(['low', 'high']);
  expect(await outbox.drops()).toEqual([]);
});

it('remembers the last dropsKeptMax drops, and counts all', async () => {
  const { outbox } = start({ dropsKeptMax: 3 });
  await using _ = outbox;
  for (let index = 0; index < 10; index++) await outbox.enqueue(record(`r${index}`));
  expect(await outbox.drop({ state: 'ready' })).toBe(10);
  expect((await outbox.drops()).map((entry) => entry.id)).toEqual(['r7', 'r8', 'r9']);
  const [first] = await outbox.drops({ limit: 1 });
  expect((await outbox.drops({ after: first?.cursor ?? 0 })).map((entry) => entry.id)).toEqual(['r8', 'r9']);
  expect((await outbox.count()).dropped.by_caller).toEqual({ records: 10, bytes: 70 });
});

it('holds over a long life in a bounded file: what was delivered makes room for what comes', async () => {
  const path = join(tempDir(), 'outbox.db');
  await using outbox = openOutbox({ path });
  const body = new Uint8Array(8_192);
  let largest = 0;
  for (let round = 0; round < 30; round++) {
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => outbox.enqueue({ id: `${round}-${index}`, subject: 's', body })),
    );
    await outbox.drain({ until: 'idle', deliver: async () => {} });
    largest = Math.max(largest, statSync(path).size + statSync(`${path}-wal`).size);
  }
  // 24 MB went through.
  expect(largest).toBeLessThan(8_000_000);
});
