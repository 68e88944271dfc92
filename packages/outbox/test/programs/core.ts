// The behaviour that must be the same on Node and on Bun, as one list of facts: `core.ts <directory>` prints it as JSON.
import { writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDurable } from '@kanade/durable';
import { OutboxError, openOutbox, outboxPart } from '@kanade/outbox';

const directory = process.argv[2] ?? '';
const facts: Record<string, unknown> = {};
const body = (text: string) => new TextEncoder().encode(text);
const code = (error: unknown) => (error instanceof OutboxError ? error.code : String(error));

{
  await using outbox = openOutbox({ path: join(directory, 'own.db'), limits: { attemptsMax: 1 } });
  const record = { id: 'a', subject: 's', headers: { b: '2', a: '1' }, body: body('one') };
  const group = await Promise.all([
    outbox.enqueue(record),
    outbox.enqueue({ ...record, headers: { a: '1', b: '2' } }),
    outbox.enqueue({ ...record, body: body('two') }).catch(code),
    outbox.enqueue({ id: 'empty', subject: 's', body: new Uint8Array(0), priority: 1 }),
  ]);
  facts.group = group;
  const delivered: string[] = [];
  facts.secondDrainer = await Promise.all([
    outbox.drain({
      until: 'idle',
      concurrency: 1,
      async deliver(out) {
        delivered.push(`${out.id}:${new TextDecoder().decode(out.body)}:${JSON.stringify(out.headers)}`);
      },
    }),
    outbox.drain({ until: 'idle', deliver: async () => {} }).catch(code),
  ]);
  facts.delivered = delivered;
  await outbox.enqueue({ id: 'poison', subject: 's', body: body('x') });
  const refuse = () => Promise.reject(new Error('no'));
  facts.poison = await outbox.drain({ until: 'idle', deliver: refuse });
  facts.quarantined = (await outbox.quarantined()).map(({ id, attempts, reason }) => ({ id, attempts, reason }));
  facts.replayed = await outbox.replay({ state: 'quarantined' });
  facts.dropped = await outbox.drop({ ids: ['poison', 'nobody'] });
}

{
  const ledger = { name: 'ledger', migrations: ['CREATE TABLE ledger (id TEXT)'], tables: [{ name: 'ledger' }] };
  await using durable = openDurable({ path: join(directory, 'shared.db'), parts: [ledger, outboxPart('sent')] });
  await using outbox = openOutbox({ durable, table: 'sent' });
  for (const end of ['ROLLBACK', 'COMMIT']) {
    try {
      durable.transact((tx) => {
        tx.sql('INSERT INTO ledger VALUES (?)').run(end);
        outbox.enqueueIn(tx, { id: end, subject: 's', body: body(end) });
        if (end === 'ROLLBACK') throw new Error(end);
      });
    } catch (error) {
      facts.undone = String(error);
    }
  }
  facts.joined = (await outbox.list()).map((entry) => entry.id);
  facts.count = (await outbox.count()).ready;
}

{
  const path = join(directory, 'foreign.db');
  writeFileSync(path, 'this is not a database\n'.repeat(1_000));
  await using outbox = openOutbox({
    path,
    onEvent(event) {
      if (event.type === 'salvaged') facts.salvaged = { records: event.records, lostRecords: event.lostRecords };
    },
  });
  await outbox.enqueue({ id: 'after', subject: 's', body: body('x') });
}

writeSync(1, `${JSON.stringify(facts)}\n`);
