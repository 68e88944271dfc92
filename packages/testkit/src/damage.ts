/** Damage of many kinds to an SQLite file, at places that a seed chooses: whatever owns it must open it all the same. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seeded } from './seeded.ts';

/** A sound file in the two states in which a machine may leave it. */
export interface SoundFile {
  /** As its owner closed it: everything is in it. */
  readonly closed: Uint8Array;
  /** As a killed owner left it: its last commits are only in the WAL. */
  readonly open: Uint8Array;
  readonly wal: Uint8Array;
}

/** One damaged file. */
export interface DamagedFile {
  readonly name: string;
  /** What its last commits went through is the WAL, and that is damaged or all there is. */
  readonly isOnWal: boolean;
  /** True when nothing in the file can show the damage: commits are gone as if they had never been. */
  readonly isSilent: boolean;
  /** Puts it at a path, with a WAL where there is one. */
  plant(path: string): void;
}

type Random = (below: number) => number;

interface Kind {
  readonly name: string;
  readonly files: number;
  readonly isSilent?: boolean;
  readonly damage: (path: string, random: Random) => void;
}

const pageBytes = 4096;

const change = (path: string, edit: (bytes: Buffer) => void): void => {
  const bytes = readFileSync(path);
  edit(bytes);
  writeFileSync(path, bytes);
};
const lengthOf = (path: string) => readFileSync(path).length;
const pages = (bytes: Buffer) => Math.floor(bytes.length / pageBytes);
const pageOf = (bytes: Buffer, random: Random) => pageBytes * random(pages(bytes));
const flip = (bytes: Buffer, offset: number, random: Random) => {
  bytes[offset] = (bytes[offset] ?? 0) ^ (1 << random(8));
};
const wal = (path: string) => `${path}-wal`;

/** Kinds that name the WAL work on a file whose last commits are only there. */
const kinds: readonly Kind[] = [
  { name: 'cut anywhere', files: 5, damage: (path, random) => truncateSync(path, random(lengthOf(path))) },
  {
    name: 'one bit flipped',
    files: 8,
    damage: (path, random) => change(path, (b) => flip(b, random(b.length), random)),
  },
  {
    name: 'fifty bits flipped',
    files: 5,
    damage: (path, random) =>
      change(path, (b) => {
        for (let count = 0; count < 50; count++) flip(b, random(b.length), random);
      }),
  },
  {
    name: 'a bit of the header flipped',
    files: 6,
    damage: (path, random) => change(path, (b) => flip(b, random(100), random)),
  },
  {
    name: 'a page of noise',
    files: 4,
    damage: (path, random) =>
      change(path, (b) => {
        const page = pageOf(b, random);
        for (let at = page; at < page + pageBytes; at++) b[at] = random(256);
      }),
  },
  {
    name: 'a page of zeros',
    files: 3,
    damage: (path, random) =>
      change(path, (b) => {
        const page = pageOf(b, random);
        b.fill(0, page, page + pageBytes);
      }),
  },
  {
    name: 'two pages swapped',
    files: 3,
    damage: (path, random) =>
      change(path, (b) => {
        const [one, other] = [pageOf(b, random), pageOf(b, random)];
        const kept = Buffer.from(b.subarray(one, one + pageBytes));
        b.copy(b, one, other, other + pageBytes);
        kept.copy(b, other);
      }),
  },
  {
    name: 'an older copy of its second half',
    files: 1,
    damage: (path) => change(path, (b) => b.copy(b, pageBytes * Math.floor(pages(b) / 2), pageBytes, pageBytes * 4)),
  },
  {
    name: 'its middle missing',
    files: 3,
    damage(path, random) {
      const bytes = readFileSync(path);
      const from = pageBytes + random(bytes.length / 2);
      writeFileSync(path, Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + pageBytes + random(9_000))]));
    },
  },
  {
    name: 'bytes behind its end',
    files: 2,
    damage: (path, random) => appendFileSync(path, Buffer.alloc(1 + random(9_000), 7)),
  },
  { name: 'zero-length', files: 1, damage: (path) => truncateSync(path, 0) },
  { name: 'something else', files: 1, damage: (path) => writeFileSync(path, 'name,size\n'.repeat(900)) },
  {
    name: 'a directory in its place',
    files: 1,
    damage(path) {
      rmSync(path);
      mkdirSync(path);
      writeFileSync(join(path, 'precious'), 'not ours');
    },
  },
  {
    name: 'a WAL cut',
    files: 3,
    isSilent: true,
    damage: (path, random) => truncateSync(wal(path), random(lengthOf(wal(path)))),
  },
  {
    name: 'a WAL with a bit flipped',
    files: 3,
    // In its last commit that looks like a power cut.
    isSilent: true,
    damage: (path, random) => change(wal(path), (b) => flip(b, random(b.length), random)),
  },
  { name: 'a WAL of something else', files: 1, damage: (path) => writeFileSync(wal(path), 'not a WAL '.repeat(900)) },
  { name: 'the file empty, its WAL whole', files: 1, damage: (path) => truncateSync(path, 0) },
];

/** The corpus: 51 damaged files, the same ones for the same seed. */
export function damageCorpus(sound: SoundFile, seed: number): DamagedFile[] {
  const all = kinds.flatMap((kind) => Array.from({ length: kind.files }, (_, count) => ({ kind, count })));
  return all.map(({ kind: { name, damage, isSilent = false }, count }, index) => {
    const isOnWal = name.includes('WAL');
    return {
      name: `${name} (${count})`,
      isOnWal,
      isSilent,
      plant(path) {
        writeFileSync(path, isOnWal ? sound.open : sound.closed);
        if (isOnWal) writeFileSync(wal(path), sound.wal);
        const random = seeded(seed + index);
        damage(path, (below) => Math.floor(random() * below));
      },
    };
  });
}

/**
 * The two states of a file that `fill` makes and closes and `fillMore` opens again, adds to and closes; it calls `whileOpen` when
 * what it added is committed.
 */
export async function soundFile(
  path: string,
  { fill, fillMore }: { fill: () => Promise<void>; fillMore: (whileOpen: () => void) => Promise<void> },
): Promise<SoundFile> {
  await fill();
  let [open, log] = [Buffer.alloc(0), Buffer.alloc(0)];
  await fillMore(() => {
    [open, log] = [readFileSync(path), readFileSync(wal(path))];
  });
  return { closed: readFileSync(path), open, wal: log };
}
