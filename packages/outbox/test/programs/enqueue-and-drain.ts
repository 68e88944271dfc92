// Enqueues and drains as fast as it can until it is killed: `enqueue-and-drain.ts <path> <name of this round>`.
// One line per step, written before anything can follow from it:
//   t <id>  about to enqueue        a <id>  enqueue resolved (acknowledged)        d <id>  deliver is about to resolve
import { writeSync } from 'node:fs';
import { openOutbox } from '@kanade/outbox';

const [, , path = '', round = ''] = process.argv;

/** Nothing is done before it is said: a full pipe, whose reader is busy, is waited for. */
function say(step: string, id: string): void {
  for (;;) {
    try {
      writeSync(1, `${step} ${id}\n`);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

await using outbox = openOutbox({ path });

async function produce(producer: number): Promise<void> {
  for (let count = 0; ; count++) {
    const id = `${round}-${producer}-${count}`;
    say('t', id);
    // The last byte count is over one page, so that overflow pages are in play.
    const body = new TextEncoder().encode(id.padEnd(count % 7 === 0 ? 6_000 : 200, '.'));
    await outbox.enqueue({ id, subject: 'crash', body });
    say('a', id);
  }
}

const draining = outbox.drain({
  concurrency: 4,
  async deliver({ id }) {
    // Every third goes, so that the queue grows and shrinks; the others are refused and back off.
    if (Number(id.split('-')[2]) % 3 !== 0) throw new Error('not now');
    say('d', id);
  },
});
await Promise.all([draining, ...Array.from({ length: 8 }, (_, producer) => produce(producer))]);
