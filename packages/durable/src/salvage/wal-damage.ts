/*
 * Damage of a WAL that SQLite passes over in silence: it takes the frames up to the first one whose checksum is wrong for all
 * there is, and a WAL without its header for none. After a power cut that is right, and otherwise it is a loss of commits.
 *
 * Which of both it was can be told. Every commit is flushed before the next one is written, so behind a torn place there is at
 * most the rest of one transaction. A commit behind it that has a successor was flushed, so the place before it was whole once.
 *
 *   header 32 bytes: magic, format, page size, count, salt 1, salt 2, checksum 1, checksum 2 (sqlite.org/fileformat2.html, 4.1)
 *   frame  24 bytes: page, pages after a commit or 0, salt 1, salt 2, checksum 1, checksum 2; then the page
 *
 * Checksums go on from those of the frame before, in the byte order that the last bit of the magic says.
 */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';

const headerBytes = 32;
const frameBytes = 24;
const magic = 0x377f0682;
/** A WAL larger than this is not looked through: it would be felt. */
const walBytesMax = 64 * 1024 * 1024;

/** What says that commits of a WAL were lost, or null. Somebody may be writing to it: then there is nothing to say. */
export function walDamage(path: string): string | null {
  const first = look(path);
  // What a writer was just changing is different, or gone, at the second look.
  return first !== null && look(path) === first ? first : null;
}

function look(path: string): string | null {
  const wal = readWal(`${path}-wal`);
  if (wal === null || wal.length <= headerBytes + frameBytes) return null;
  const view = new DataView(wal.buffer, wal.byteOffset, wal.byteLength);
  const isKnown = (view.getUint32(0) & ~1) === magic;
  const littleEndian = (view.getUint32(0) & 1) === 0;
  const sum = isKnown ? checksum(view, { from: 0, bytes: headerBytes - 8, littleEndian, start: [0, 0] }) : null;
  if (sum?.[0] !== view.getUint32(24) || sum?.[1] !== view.getUint32(28)) return 'a WAL whose header is not one';
  const pageBytes = view.getUint32(8);
  return lostCommit(view, { pageBytes, littleEndian });
}

function lostCommit(view: DataView, { pageBytes, littleEndian }: { pageBytes: number; littleEndian: boolean }) {
  const size = frameBytes + pageBytes;
  const frames = Math.floor((view.byteLength - headerBytes) / size);
  const at = (frame: number) => headerBytes + frame * size;
  const isCurrent = (frame: number) =>
    view.getUint32(at(frame) + 8) === view.getUint32(16) && view.getUint32(at(frame) + 12) === view.getUint32(20);
  const follows = (frame: number): boolean => {
    const before = frame === 0 ? 24 : at(frame - 1) + 16;
    const start: Sum = [view.getUint32(before), view.getUint32(before + 4)];
    const head = checksum(view, { from: at(frame), bytes: 8, littleEndian, start });
    const sum = checksum(view, { from: at(frame) + frameBytes, bytes: pageBytes, littleEndian, start: head });
    return isCurrent(frame) && sum[0] === view.getUint32(at(frame) + 16) && sum[1] === view.getUint32(at(frame) + 20);
  };
  let torn = 0;
  while (torn < frames && follows(torn)) torn++;
  for (let frame = torn; frame + 1 < frames; frame++) {
    const isCommit = isCurrent(frame) && view.getUint32(at(frame) + 4) > 0;
    if (isCommit && follows(frame + 1)) return `commits behind the damaged frame ${torn + 1} of its WAL`;
  }
  return null;
}

type Sum = readonly [number, number];

function checksum(
  view: DataView,
  { from, bytes, littleEndian, start }: { from: number; bytes: number; littleEndian: boolean; start: Sum },
): Sum {
  let [one, two] = start;
  for (let at = from; at < from + bytes; at += 8) {
    one = (one + view.getUint32(at, littleEndian) + two) >>> 0;
    two = (two + view.getUint32(at + 4, littleEndian) + one) >>> 0;
  }
  return [one, two];
}

function readWal(path: string): Uint8Array | null {
  if (!existsSync(path)) return null;
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size > walBytesMax) return null;
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
