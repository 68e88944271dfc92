/** An enqueue is acknowledged by its commit, and by nothing before it. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { inspectOutbox, openOutbox } from '@kanade/outbox';
import { runtimeWords } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

const record = (id: string) => ({ id, subject: 's', body: new TextEncoder().encode(id) });

it('a COMMIT that fails rejects every enqueue that waits for it, and stores none', async () => {
  const path = join(tempDir(), 'outbox.db');
  await using outbox = openOutbox({ path, limits: { commitBudgetMs: 60_000 } });
  // A constraint that SQLite looks at only in COMMIT: the statements before it all succeed.
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TABLE parent (id TEXT PRIMARY KEY);
    CREATE TABLE child (id TEXT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER spoil AFTER INSERT ON outbox WHEN NEW.id = 'spoiled' BEGIN INSERT INTO child VALUES (NEW.id); END;`);
  database.close();
  await outbox.enqueue(record('before'));
  const outcomes = await Promise.allSettled(['a', 'spoiled', 'b'].map((id) => outbox.enqueue(record(id))));
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(outcomes).toMatchObject([{ reason: { message: expect.stringContaining('FOREIGN KEY') } }, {}, {}]);
  expect(await outbox.enqueue(record('after'))).toEqual({ kind: 'queued' });
  expect((await outbox.list()).map((entry) => entry.id)).toEqual(['before', 'after']);
  expect((await outbox.verify({ structure: true })).ok).toBe(true);
});

it('at the moment of its acknowledgement every record is committed for others to see', async () => {
  const path = join(tempDir(), 'outbox.db');
  await using outbox = openOutbox({ path });
  using look = inspectOutbox({ path });
  const seen = await Promise.all(
    Array.from({ length: 500 }, async (_, index) => {
      await outbox.enqueue(record(`r${index}`));
      return (await look.list({ after: index, limit: 1 }))[0]?.id;
    }),
  );
  expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => `r${index}`));
});

/** Mounts of its own, gone with its process; only where the system lets us. */
const ownMounts = ['unshare', '--mount', '--propagation', 'private'];
const canMount = spawnSync('unshare', [...ownMounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;
const wrappers: string[][] = canMount ? [ownMounts] : [];

it.each(wrappers.flatMap((words) => (['node', 'bun'] as const).map((runtime) => ({ runtime, words }))))(
  'a disk that fills up and is read-only later: acknowledged records stay and are delivered once, others are refused ($runtime)',
  ({ runtime, words }) => {
    const program = [...runtimeWords(runtime), join(import.meta.dirname, 'programs/fill-disk.ts'), tempDir()];
    const [command = '', ...args] = [...words, ...program];
    const ran = spawnSync(command, args, { encoding: 'utf8', timeout: 60_000 });
    expect(ran.stderr).toBe('');
    expect(JSON.parse(ran.stdout)).toEqual({
      refusedWith: ['disk_full'],
      someAcknowledged: true,
      missing: [],
      strangers: [],
      afterRoom: 'queued',
      withReserve: { stalls: 0, all: true },
      withoutReserve: { stalled: true, once: true, left: 0 },
      sound: true,
      readOnlyOpen: 'read_only',
      readOnlyLook: true,
    });
  },
);
