/** Files of every release, and what this version would leave: they open, with every record in its state. */
import { type OutboxEvent, openOutbox } from '@kanade/outbox';
import { keptStates } from '@kanade/testkit';
import { expect, it } from 'vitest';

it.each(keptStates(import.meta.dirname))(
  'the file of version $version opens, with everything in it',
  async ({ unpack }) => {
    await using kept = await unpack();
    const events: OutboxEvent[] = [];
    await using outbox = openOutbox({ path: kept.path, onEvent: (event) => events.push(event) });
    expect(Object.fromEntries((await outbox.list()).map((entry) => [entry.id, entry]))).toMatchObject({
      kept: { state: 'kept', receipt: 'its place' },
      quarantined: { state: 'quarantined', reason: 'Error: never', attempts: 1 },
      waiting: { state: 'waiting', dueAtMs: 4_000_000_000_000 },
      ready: { state: 'ready', subject: 's.ready', headers: { a: '1' }, priority: 3, orderKey: 'k' },
      held: { state: 'held', orderKey: 'k' },
    });
    expect(await outbox.count()).toMatchObject({ dropped: { by_caller: { records: 1 } }, delivered: { records: 1 } });
    expect((await outbox.verify({ structure: true })).ok).toBe(true);
    expect(events).toEqual([]);
    const delivered: string[] = [];
    await outbox.drain({
      until: 'idle',
      concurrency: 1,
      deliver: async ({ id, body }) => void delivered.push(`${id}: ${Buffer.from(body).toString()}`),
    });
    expect(delivered).toEqual(['ready: body of ready', 'held: body of held']);
  },
);
