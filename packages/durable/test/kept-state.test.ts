/** Files of every release, and what this version would leave: they open, with everything in them. */
import { type DurableEvent, openDurable } from '@kanade/durable';
import { keptStates } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { library, noteOf } from './library.ts';

it.each(keptStates(import.meta.dirname))(
  'the file of version $version opens, with everything in it',
  async ({ unpack }) => {
    await using kept = await unpack();
    const events: DurableEvent[] = [];
    await using durable = openDurable({ path: kept.path, parts: library, onEvent: (event) => events.push(event) });
    expect(durable.look((sql) => sql('SELECT book, note FROM loan ORDER BY seq').all())).toEqual(
      Array.from({ length: 25 }, (_, index) => ({ book: `b${index}`, note: noteOf(index) })),
    );
    expect((await durable.verify({ structure: true })).ok).toBe(true);
    expect(events).toEqual([]);
  },
);
