/** The program is killed, or the system fails it, at one call after the other that changes a disk; the file is opened again after each. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DurableEvent, openDurable } from '@kanade/durable';
import { damageCorpus, runtimeWords, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { lend, library, noteOf } from './library.ts';

const calls = 'pwrite64,fdatasync,fsync,ftruncate,rename,unlink';
const traced = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`];
/** strace is Linux's, and not allowed everywhere; what it shows is the order of our own steps, which is everybody's. */
const canTrace = spawnSync('strace', [...traced, '-e', 'inject=unlink:error=EIO:when=1', 'true']).status === 0;
const [before, added] = [40, 6];

interface Said {
  readonly tried: Set<number>;
  readonly acknowledged: Set<number>;
  readonly refused: string[];
  readonly isOver: boolean;
}

/** Runs the program, with something going wrong at its n-th call of a kind. */
function lendBooks(path: string, fault: string | null): Said {
  const lending = [join(import.meta.dirname, 'programs/lend-books.ts'), path, String(before), String(added)];
  const words = [...runtimeWords('node'), ...lending];
  const [command = '', ...args] = fault === null ? words : ['strace', ...traced, '-e', `inject=${fault}`, ...words];
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  // What strace has to say about a thread that was quicker is not of the program.
  expect(stderr.split('\n').filter((line) => line !== '' && !line.startsWith('strace: '))).toEqual([]);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' '));
  const of = (step: string) => lines.filter(([word]) => word === step);
  return {
    tried: new Set(of('t').map(([, index]) => Number(index))),
    acknowledged: new Set(of('a').map(([, index]) => Number(index))),
    refused: of('f').map(([, , code = '']) => code),
    isOver: of('closed').length > 0,
  };
}

/** Opens the file as its next owner would; everything that is asked of it. */
async function audit(path: string, { tried, acknowledged }: Said) {
  const events: DurableEvent[] = [];
  await using durable = openDurable({ path, parts: library, onEvent: (event) => events.push(event) });
  const rows = durable.look((sql) => sql('SELECT book, note FROM loan').all());
  const books = new Set(rows.map(({ book }) => Number(String(book).slice(1))));
  const wrong = rows.filter(({ book, note }) => note !== noteOf(Number(String(book).slice(1))));
  const lost = [...acknowledged].filter((index) => !books.has(index));
  const strangers = [...books].filter((index) => index >= before && !tried.has(index));
  const { problems } = await durable.verify({ structure: true });
  const salvages = await durable.salvages();
  return { wrong, lost, strangers, problems, old: [...books].filter((index) => index < before).length, salvages };
}

const sound = { wrong: [], lost: [], strangers: [], problems: [] };

/** Kinds of calls, and which ones of each: an opening makes many, a commit two or three. */
const steps = Object.entries({
  pwrite64: [1, 3, 7, 15, 40, 90],
  fsync: [1, 2, 4, 8, 14],
  rename: [1, 2],
  unlink: [1, 2, 4],
  ftruncate: [1],
}).flatMap(([call, counts]) => counts.map((count) => ({ call, count })));

describe('at every step', () => {
  it('nothing is refused and everything lent when nothing goes wrong', async () => {
    await using directory = await tempDir();
    const path = join(directory.path, 'library.db');
    await fillAndDamage(path);
    const said = lendBooks(path, null);
    expect(said).toMatchObject({ refused: [], isOver: true });
    expect(said.acknowledged.size).toBe(added);
    const { old, salvages, ...found } = await audit(path, said);
    expect({ ...found, salvages: salvages.length }).toEqual({ ...sound, salvages: 1 });
    expect(old).toBeLessThanOrEqual(before);
  });

  const plants = [
    { name: 'a new file', plant: async () => {}, mayLose: false },
    { name: 'a file with rows', plant: fill, mayLose: false },
    { name: 'a damaged file', plant: fillAndDamage, mayLose: true },
  ];
  it.each(canTrace ? plants : [])(
    'a kill leaves $name sound, with everything that was acknowledged',
    { timeout: 240_000 },
    async ({ plant, mayLose }) => {
      await using directory = await tempDir();
      const start = join(directory.path, 'start');
      mkdirSync(start);
      await plant(join(start, 'library.db'));
      let expected: number | null = null;
      let kills = 0;
      for (const { call, count } of steps) {
        const step = `${call} ${count}`;
        const place = join(directory.path, `${call}-${count}`);
        cpSync(start, place, { recursive: true });
        const path = join(place, 'library.db');
        const said = lendBooks(path, `${call}:signal=SIGKILL:when=${count}`);
        const { old, salvages, ...found } = await audit(path, said);
        expect(found, step).toEqual(sound);
        // Whoever was killed, the same rows are saved and the loss is told once.
        expected ??= old;
        expect({ old, salvages: salvages.length }, step).toEqual({
          old: expected,
          salvages: mayLose ? 1 : 0,
        });
        if (!said.isOver) kills++;
      }
      expect(kills).toBeGreaterThan(8);
    },
  );

  const errors = [
    { error: 'EIO', codes: ['io_failed', 'cannot_open', 'disk_full', 'read_only', 'busy'] },
    { error: 'ENOSPC', codes: ['disk_full', 'io_failed', 'cannot_open'] },
  ];
  it.each(canTrace ? errors : [])(
    '$error is told with its code, and the next change is made without a restart',
    { timeout: 240_000 },
    async ({ error, codes }) => {
      await using directory = await tempDir();
      const start = join(directory.path, 'start');
      mkdirSync(start);
      await fill(join(start, 'library.db'));
      let faults = 0;
      for (const { call, count } of steps) {
        const step = `${call} ${count}`;
        const place = join(directory.path, `${call}-${count}`);
        cpSync(start, place, { recursive: true });
        const path = join(place, 'library.db');
        const said = lendBooks(path, `${call}:error=${error}:when=${count}`);
        expect(
          said.refused.filter((code) => !codes.includes(code)),
          step,
        ).toEqual([]);
        expect(said.refused.length, step).toBeLessThanOrEqual(1);
        expect(said.isOver && said.acknowledged.size >= added - 1, step).toBe(true);
        const { old, salvages, ...found } = await audit(path, said);
        expect({ ...found, old, salvages }, step).toEqual({ ...sound, old: before, salvages: [] });
        faults += said.refused.length;
      }
      expect(faults).toBeGreaterThan(3);
    },
  );
});

async function fill(path: string): Promise<void> {
  await using durable = openDurable({ path, parts: library });
  for (let index = 0; index < before; index++) durable.transact((tx) => lend(tx, index));
}

async function fillAndDamage(path: string): Promise<void> {
  await fill(path);
  const closed = readFileSync(path);
  const corpus = damageCorpus({ closed, open: closed, wal: new Uint8Array() }, 7);
  corpus.find(({ name }) => name === 'fifty bits flipped (1)')?.plant(path);
}
