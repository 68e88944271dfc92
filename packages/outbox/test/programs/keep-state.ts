// Makes the file that is kept of a release, with a record in every state: `keep-state.ts <path>`.
import { openOutbox } from '@kanade/outbox';

const [, , path = ''] = process.argv;

const record = (id: string, more: object = {}) => ({
  id,
  subject: `s.${id}`,
  body: Buffer.from(`body of ${id}`),
  ...more,
});

await using outbox = openOutbox({ path, limits: { attemptsMax: 1 } });
for (const id of ['kept', 'quarantined', 'dropped']) await outbox.enqueue(record(id));
await outbox.drain({
  until: 'idle',
  async deliver({ id }) {
    if (id !== 'kept') throw new Error('never');
    return 'its place';
  },
});
await outbox.drop({ ids: ['dropped'] });
await outbox.enqueue(record('waiting', { notBeforeMs: 4_000_000_000_000, expiresAtMs: 4_100_000_000_000 }));
await outbox.enqueue(record('ready', { headers: { a: '1' }, priority: 3, orderKey: 'k' }));
await outbox.enqueue(record('held', { orderKey: 'k' }));
