import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type OutboxAtPath, type OutboxEvent, openOutbox } from '@kanade/outbox';
import { describe, expect, it } from 'vitest';
import { tempDir } from './temp-dir.ts';

const pageBytes = 4096;
const total = 300;
/** Every tenth spills over to overflow pages. */
const bodyOf = (index: number) => `body ${index} `.repeat(index % 10 === 0 ? 1_000 : 20);

/** A sound, closed outbox of 300 records. */
async function soundFile(): Promise<string> {
  const path = join(tempDir(), 'outbox.db');
  await using outbox = openOutbox({ path });
  const bodies = Array.from({ length: total }, (_, index) => new TextEncoder().encode(bodyOf(index)));
  await Promise.all(bodies.map((body, index) => outbox.enqueue({ id: `r${index}`, subject: 's', body })));
  return path;
}

/** Opens, enqueues one more, and delivers everything. */
async function reopen(path: string, limits: OutboxAtPath['limits'] = {}) {
  const events: OutboxEvent[] = [];
  const ids: string[] = [];
  const wrong: string[] = [];
  await using outbox = openOutbox({ path, limits, onEvent: (event) => void events.push(event) });
  await outbox.enqueue({ id: 'after', subject: 's', body: new TextEncoder().encode('after') });
  await outbox.drain({
    until: 'idle',
    async deliver({ id, body }) {
      const expected = id === 'after' ? 'after' : bodyOf(Number(id.slice(1)));
      if (new TextDecoder().decode(body) !== expected) wrong.push(id);
      ids.push(id);
    },
  });
  const salvaged = events.filter((event) => event.type === 'salvaged');
  return { ids, wrong, salvaged, counts: await outbox.count(), quarantined: await outbox.quarantined() };
}

function overwrite(path: string, offset: number, bytes: Uint8Array): void {
  const file = readFileSync(path);
  file.set(bytes, offset);
  writeFileSync(path, file);
}

/** Numbers of the pages that hold rows of a table or index, in file order. */
function pagesOf(path: string, name: string): number[] {
  const database = new DatabaseSync(path);
  const root = database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').get(name)?.rootpage as number;
  database.close();
  const file = readFileSync(path);
  // An interior root page: its cells start with the number of a child page.
  const start = (root - 1) * pageBytes;
  const header = file.readUInt8(start) === 5 || file.readUInt8(start) === 2 ? 12 : 8;
  if (header === 8) return [root];
  const cells = file.readUInt16BE(start + 3);
  return Array.from({ length: cells }, (_, cell) =>
    file.readUInt32BE(start + file.readUInt16BE(start + header + 2 * cell)),
  );
}

const garbage = new Uint8Array(pageBytes).fill(0xa5);

describe('a damaged file', () => {
  it.each<{ name: string; damage: (path: string) => void; survivors: [least: number, most: number] }>([
    { name: 'cut in the middle', damage: (path) => truncateSync(path, statSync(path).size / 2), survivors: [50, 299] },
    { name: 'cut within its first page', damage: (path) => truncateSync(path, 50), survivors: [0, 0] },
    {
      name: 'with other first bytes',
      damage: (path) => overwrite(path, 0, garbage.subarray(0, 16)),
      survivors: [0, 0],
    },
    {
      name: 'with one page of rows overwritten',
      damage: (path) => overwrite(path, ((pagesOf(path, 'outbox')[3] ?? 0) - 1) * pageBytes, garbage),
      survivors: [200, 299],
    },
    {
      name: 'with three pages of rows overwritten',
      damage(path) {
        const pages = pagesOf(path, 'outbox');
        for (const page of [pages[0], pages[1], pages.at(-1)]) overwrite(path, ((page ?? 0) - 1) * pageBytes, garbage);
      },
      survivors: [200, 299],
    },
    {
      name: 'with an index page overwritten',
      damage: (path) => overwrite(path, ((pagesOf(path, 'outbox_order')[0] ?? 0) - 1) * pageBytes, garbage),
      survivors: [total, total],
    },
    { name: 'of another kind', damage: (path) => writeFileSync(path, 'name,size\n'.repeat(900)), survivors: [0, 0] },
    { name: 'of zeros', damage: (path) => writeFileSync(path, new Uint8Array(40_000)), survivors: [0, 0] },
  ])('$name is set aside, and what can be read goes on', async ({ damage, survivors }) => {
    const path = await soundFile();
    damage(path);
    const damaged = readFileSync(path);
    const { ids, wrong, salvaged, counts } = await reopen(path);
    expect(wrong).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('after');
    const [event, ...more] = salvaged;
    expect(more).toEqual([]);
    expect(event).toMatchObject({ path, records: ids.length - 1 });
    expect(event?.records).toBeGreaterThanOrEqual(survivors[0]);
    expect(event?.records).toBeLessThanOrEqual(survivors[1]);
    expect([null, total - (ids.length - 1)]).toContain(event?.lostRecords);
    expect(counts.lost.records).toBe(event?.lostRecords ?? 0);
    expect(event?.setAsidePath).toMatch(/outbox\.db\.damaged-\d{8}T\d{6}Z$/);
    expect(readFileSync(event?.setAsidePath ?? '').equals(damaged)).toBe(true);
    expect(readdirSync(join(path, '..')).filter((name) => /salvage|rebuilt/.test(name))).toEqual([]);
  });

  it('found only while draining is set aside then, and nothing is delivered twice', async () => {
    const path = await soundFile();
    overwrite(path, ((pagesOf(path, 'outbox')[5] ?? 0) - 1) * pageBytes, garbage);
    const { ids, wrong, salvaged } = await reopen(path, { openCheckBytesMax: 0 });
    expect(salvaged).toHaveLength(1);
    expect(wrong).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(200);
    expect(ids.length).toBeLessThan(total + 1);
  });

  it('with a flipped bit inside a body delivers everything else and quarantines that record', async () => {
    const path = await soundFile();
    const offset = readFileSync(path).indexOf('body 7 body 7');
    overwrite(path, offset, new TextEncoder().encode('c'));
    const { ids, wrong, salvaged, quarantined } = await reopen(path);
    expect(salvaged).toEqual([]);
    expect(wrong).toEqual([]);
    expect(ids).toHaveLength(total);
    expect(quarantined).toMatchObject([{ id: 'r7', reason: 'stored bytes do not match their checksum' }]);
  });

  it('cut within its last page loses at most what lay there, and knows it', async () => {
    const path = await soundFile();
    truncateSync(path, statSync(path).size - 100);
    const { ids, wrong, salvaged, quarantined } = await reopen(path);
    expect(wrong).toEqual([]);
    const lost = salvaged.reduce((sum, event) => sum + (event.lostRecords ?? 0), 0);
    expect(ids.length + quarantined.length + lost).toBe(total + 1);
    expect(ids.length).toBeLessThan(total + 1);
    expect(ids.length).toBeGreaterThan(200);
  });

  it('emptied beside its WAL gives back what the WAL holds', async () => {
    const path = join(tempDir(), 'outbox.db');
    const copy = join(tempDir(), 'copy.db');
    {
      await using outbox = openOutbox({ path });
      for (const index of [1, 2, 3]) {
        await outbox.enqueue({ id: `r${index}`, subject: 's', body: new TextEncoder().encode(bodyOf(index)) });
      }
      copyFileSync(`${path}-wal`, `${copy}-wal`);
      writeFileSync(copy, '');
    }
    const { ids, wrong, salvaged } = await reopen(copy);
    expect(salvaged).toMatchObject([{ records: 3, lostRecords: 0 }]);
    expect({ ids, wrong }).toEqual({ ids: ['r1', 'r2', 'r3', 'after'], wrong: [] });
  });

  it.each<{ name: string; prepare: (path: string) => void; setAside: number }>([
    { name: 'a directory', prepare: (path) => mkdirSync(path), setAside: 1 },
    { name: 'an empty file', prepare: (path) => writeFileSync(path, ''), setAside: 1 },
    { name: 'nothing', prepare: () => {}, setAside: 0 },
    {
      name: 'a database with other tables',
      prepare(path) {
        const database = new DatabaseSync(path);
        database.exec('CREATE TABLE other (id TEXT)');
        database.close();
      },
      setAside: 0,
    },
  ])('$name at the path is no obstacle', async ({ prepare, setAside }) => {
    const path = join(tempDir(), 'outbox.db');
    prepare(path);
    const { ids, salvaged } = await reopen(path);
    expect(ids).toEqual(['after']);
    expect(salvaged).toHaveLength(setAside);
    for (const event of salvaged) expect(existsSync(event.setAsidePath)).toBe(true);
  });

  it.each<{ name: string; words: (path: string) => string[] }>([
    { name: 'a FIFO', words: (path) => ['mkfifo', path] },
    { name: 'a link to a FIFO', words: (path) => ['sh', '-c', 'mkfifo "$1.to" && ln -s "$1.to" "$1"', 'sh', path] },
    { name: 'a link to a directory', words: (path) => ['sh', '-c', 'mkdir "$1.to" && ln -s "$1.to" "$1"', 'sh', path] },
    { name: 'a link to itself', words: (path) => ['ln', '-s', path, path] },
    ...(process.getuid?.() === 0
      ? [{ name: 'a device', words: (path: string) => ['mknod', path, 'c', '1', '3'] }]
      : []),
  ])('$name at the path is refused and stays as it is', ({ words }) => {
    const path = join(tempDir(), 'outbox.db');
    const [command = '', ...args] = words(path);
    execFileSync(command, args);
    const names = readdirSync(join(path, '..'));
    const { ino, mode } = lstatSync(path);
    expect(() => openOutbox({ path })).toThrow(expect.objectContaining({ name: 'OutboxError', code: 'cannot_open' }));
    expect(lstatSync(path)).toMatchObject({ ino, mode });
    expect(readdirSync(join(path, '..'))).toEqual(names);
  });

  it('behind a link is replaced where it lies, and the link stays; a link to nothing makes the file it names', async () => {
    const directory = tempDir();
    const path = join(directory, 'link.db');
    symlinkSync('target.db', path);
    expect((await reopen(path)).ids).toEqual(['after']);
    expect(existsSync(join(directory, 'target.db'))).toBe(true);
    writeFileSync(join(directory, 'target.db'), 'no database');
    const { salvaged } = await reopen(path);
    expect(salvaged).toMatchObject([{ path: join(directory, 'target.db') }]);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
  });

  it('a path that cannot be used at all is an error that says so', () => {
    const blocked = join(tempDir(), 'file');
    writeFileSync(blocked, '');
    for (const path of [join(blocked, 'outbox.db'), join(blocked, '../absent/outbox.db')]) {
      expect(() => openOutbox({ path })).toThrow(expect.objectContaining({ name: 'OutboxError', code: 'cannot_open' }));
    }
  });
});

describe('a replacement that a crash interrupted', () => {
  it('is completed when the damaged file is already aside', async () => {
    const path = await soundFile();
    renameSync(path, `${path}.rebuilt`);
    writeFileSync(`${path}-wal`, 'the WAL of the damaged file');
    const { ids, wrong } = await reopen(path);
    expect(wrong).toEqual([]);
    expect(ids).toHaveLength(total + 1);
    expect(existsSync(`${path}.rebuilt`)).toBe(false);
  });

  it('is forgotten when the damaged file is still in its place', async () => {
    const path = await soundFile();
    writeFileSync(`${path}.rebuilt`, 'half written');
    writeFileSync(`${path}.salvage`, 'half copied');
    const { ids } = await reopen(path);
    expect(ids).toHaveLength(total + 1);
    expect(readdirSync(join(path, '..')).filter((name) => /salvage|rebuilt/.test(name))).toEqual([]);
  });
});

it('a schema that damage has changed is set aside, not taken for a table of somebody else', async () => {
  const path = await soundFile();
  const database = new DatabaseSync(path);
  database.exec('ALTER TABLE outbox RENAME COLUMN subject TO subjecu');
  database.close();
  const { ids, salvaged } = await reopen(path);
  expect(ids).toEqual(['after']);
  expect(salvaged).toMatchObject([{ reason: expect.stringContaining('columns') }]);
});
