/**
 * Gives back what only the start of the executable needed. Of the 48 MB of its own file that an agent has touched when it is
 * ready, it needs 20 from then on, and a Client App as many of 46 (ADR 9): parsers, compilers and constructors that run once. The pages are
 * unmapped, not lost: the kernel maps a page again when it is touched, from its cache of the file. So are the bundles in it, 7 MB of text and
 * byte code.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';

/** `MADV_DONTNEED` of Linux. */
const dontNeed = 4;

interface Libc {
  symbols: { madvise(address: bigint, bytes: bigint, advice: number): number };
}

/** Gives back what is not in use at this moment; about 2 ms. Nothing depends on it: where it cannot be done, and on Node and other systems, the pages stay. */
export function giveBackStartPages(): void {
  if (process.platform !== 'linux' || process.versions.bun === undefined) return;
  try {
    const smaps = readFileSync('/proc/self/smaps', 'latin1');
    const { madvise } = openLibc().symbols;
    // The code last: what looks for pages would bring some of it back.
    const ranges = [...bundlePages(smaps, process.execPath), ...cleanRanges(smaps, process.execPath)];
    for (const { address, bytes } of ranges) madvise(address, bytes, dontNeed);
  } catch {
    // no `/proc`, or a C library of another name
  }
}

interface PageRange {
  readonly address: bigint;
  readonly bytes: bigint;
  readonly residentBytes: number;
}

/** Mappings of a file that nobody may write to and of which no page has been made our own: what they hold stands in the file. */
export function cleanRanges(smaps: string, file: string): PageRange[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((mapping) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \S+ +(\/.*)/.exec(mapping) ?? [];
    if (from === undefined || to === undefined || path !== file || !/^Anonymous: +0 kB$/m.test(mapping)) return [];
    const address = BigInt(`0x${from}`);
    const residentBytes = Number(/^Rss: +(\d+) kB$/m.exec(mapping)?.[1] ?? 0) * 1024;
    return [{ address, bytes: BigInt(`0x${to}`) - address, residentBytes }];
  });
}

const pageBytes = 4096;

/**
 * Pages of the bundles. The runtime keeps them in a section of its own, which is mapped writable along with its variables, and reads
 * them only; a page that was written to all the same is not among them. None where the kernel does not say which pages are whose.
 */
function bundlePages(smaps: string, file: string): PageRange[] {
  const section = readingFile(file, (read) => findSection(read, '.bun'));
  const first = section && addressOf(smaps, file, section.offset);
  if (section === undefined || first === undefined) return [];
  const from = Math.ceil(first / pageBytes);
  const pages = Math.floor((first + section.bytes) / pageBytes) - from;
  const map = readingFile('/proc/self/pagemap', (read) => read(from * 8, pages * 8));
  return cleanPages(map, from * pageBytes);
}

type ReadAt = (at: number, bytes: number) => Buffer;

/** Gives `look` what reads a file at a place; at its end that is less than was asked for. */
function readingFile<T>(path: string, look: (read: ReadAt) => T): T {
  const file = openSync(path, 'r');
  try {
    return look((at, bytes) => {
      const target = Buffer.alloc(bytes);
      return target.subarray(0, readSync(file, target, 0, bytes, at));
    });
  } finally {
    closeSync(file);
  }
}

/** Where a section lies in an ELF file of 64 bits; undefined for another file, or without one of that name. */
export function findSection(read: ReadAt, name: string): { offset: number; bytes: number } | undefined {
  const header = read(0, 64);
  if (header.length < 64 || header.readUInt32BE(0) !== 0x7f454c46 || header.readUInt16BE(4) !== 0x0201)
    return undefined;
  const [tableAt, entryBytes] = [Number(header.readBigUInt64LE(0x28)), header.readUInt16LE(0x3a)];
  const [count, namesIndex] = [header.readUInt16LE(0x3c), header.readUInt16LE(0x3e)];
  const table = read(tableAt, entryBytes * count);
  if (namesIndex >= count || table.length < entryBytes * count) return undefined;
  const placeOf = (index: number) => ({
    offset: Number(table.readBigUInt64LE(index * entryBytes + 0x18)),
    bytes: Number(table.readBigUInt64LE(index * entryBytes + 0x20)),
  });
  const { offset, bytes } = placeOf(namesIndex);
  const names = read(offset, bytes).toString('latin1');
  const nameOf = (index: number) => names.slice(table.readUInt32LE(index * entryBytes)).split('\0', 1)[0];
  const found = Array.from({ length: count }, (_, index) => index).find((index) => nameOf(index) === name);
  return found === undefined ? undefined : placeOf(found);
}

/** Where a byte of a file is mapped, with pages of the size that is counted in here. */
export function addressOf(smaps: string, file: string, offset: number): number | undefined {
  for (const mapping of smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)) {
    const words = /^([0-9a-f]+)-([0-9a-f]+) \S+ ([0-9a-f]+) \S+ \S+ +(\/.*)/.exec(mapping);
    if (words?.[4] !== file || !/^KernelPageSize: +4 kB$/m.test(mapping)) continue;
    const [from = 0, to = 0, at = 0] = words.slice(1, 4).map((word) => Number.parseInt(word, 16));
    if (offset >= at && offset < at + to - from) return from + offset - at;
  }
  return undefined;
}

/** Runs of pages that are there and still those of the file, by the kernel's map of them (`proc_pid_pagemap(5)`), 8 bytes a page. */
export function cleanPages(map: Buffer, address: number): PageRange[] {
  const isClean = (index: number) => (map.readUInt32LE(index * 8 + 4) & 0xa000_0000) >>> 0 === 0xa000_0000;
  const ranges: PageRange[] = [];
  const pages = Math.floor(map.length / 8);
  for (let index = 0; index < pages; index++) {
    const first = index;
    while (index < pages && isClean(index)) index++;
    const bytes = (index - first) * pageBytes;
    if (bytes > 0)
      ranges.push({ address: BigInt(address + first * pageBytes), bytes: BigInt(bytes), residentBytes: bytes });
  }
  return ranges;
}

function openLibc(): Libc {
  const load = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
  const ffi = load('bun:ffi') as { dlopen(path: string, symbols: object): Libc };
  const symbols = { madvise: { args: ['u64', 'u64', 'i32'], returns: 'i32' } };
  try {
    return ffi.dlopen('libc.so.6', symbols);
  } catch {
    // musl names its only library after the machine.
    return ffi.dlopen(`libc.musl-${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}.so.1`, symbols);
  }
}
