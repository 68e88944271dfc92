// Drains the outbox at argv[2] for ever; says "draining" once it holds the lock.
import { writeSync } from 'node:fs';
import { openOutbox } from '@kanade/outbox';

await using outbox = openOutbox({ path: process.argv[2] ?? '' });
await outbox.enqueue({ id: 'sign', subject: 's', body: new Uint8Array(1) });
await outbox.drain({
  async deliver() {
    writeSync(1, 'draining\n');
  },
});
