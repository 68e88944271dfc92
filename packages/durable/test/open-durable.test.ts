import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DurableEvent, type DurablePart, inspectDurable, openDurable } from '@kanade/durable';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

const notes: DurablePart = {
  name: 'notes',
  migrations: [
    'CREATE TABLE note (id TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT; CREATE TABLE tag (name TEXT PRIMARY KEY, uses INTEGER NOT NULL) STRICT, WITHOUT ROWID',
  ],
  tables: [{ name: 'note' }, { name: 'tag' }],
};

it('opens, commits, reads', async () => {
  await using directory = await tempDir();
  const path = join(directory.path, 'n.db');
  const events: DurableEvent[] = [];
  {
    await using durable = openDurable({ path, parts: [notes], onEvent: (event) => events.push(event) });
    const told: string[] = [];
    durable.transact((tx) => {
      tx.sql('INSERT INTO note VALUES (?, ?)').run('a', 'one');
      tx.onCommitted(() => told.push('a'));
      durable.transact((inner) => inner.sql('INSERT INTO tag VALUES (?, ?)').run('x', 1));
      expect(told).toEqual([]);
    });
    expect(told).toEqual(['a']);
    const many = await Promise.allSettled(
      Array.from({ length: 300 }, (_, i) =>
        durable.commit((tx) => {
          tx.sql('INSERT INTO note VALUES (?, ?)').run(`n${i}`, 'text '.repeat(50));
          if (i === 7) throw new Error('seven');
          return i;
        }),
      ),
    );
    expect(many.filter((entry) => entry.status === 'rejected')).toHaveLength(1);
    expect(many[8]).toEqual({ status: 'fulfilled', value: 8 });
    expect(await durable.verify({ structure: true })).toEqual({
      ok: true,
      problems: [],
      tables: [
        { part: 'notes', table: 'note', rows: 300, damagedRows: 0 },
        { part: 'notes', table: 'tag', rows: 1, damagedRows: 0 },
      ],
    });
    using look = inspectDurable({ path, parts: [notes] });
    expect(await look.partNames()).toEqual(['notes']);
  }
  expect(statSync(path).mode & 0o777).toBe(0o600);
  writeFileSync(path, 'garbage'.repeat(1000));
  await using again = openDurable({ path, parts: [notes], onEvent: (event) => events.push(event) });
  expect(await again.salvages()).toMatchObject([
    { reason: expect.any(String), tables: [{ table: 'note', rows: 0, lostRows: null, mayHaveLost: true }, {}] },
  ]);
  expect(events).toMatchObject([{ type: 'salvaged' }]);
});
