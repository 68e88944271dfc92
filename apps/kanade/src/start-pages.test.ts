import { expect, it } from 'vitest';
import { addressOf, cleanPages, cleanRanges, findSection } from './start-pages.ts';

const mapping = (head: string, { rss = 8, anonymous = 0 } = {}) =>
  `${head}\nSize:               100 kB\nRss:                ${rss} kB\nAnonymous:          ${anonymous} kB\nVmFlags: rd\n`;

it('takes the read-only mappings of the file that hold no page of our own, and nothing else', () => {
  const smaps = [
    mapping('00200000-01a39000 r--p 00000000 fe:00 12 /opt/kanade', { rss: 16 }),
    mapping('01a40000-01a42000 r-xp 01838000 fe:00 12 /opt/kanade', { rss: 4 }),
    mapping('06867000-06868000 r--p 0665e000 fe:00 12 /opt/kanade', { anonymous: 4 }), // relocated at the start
    mapping('06868000-06a23000 rw-p 0665e000 fe:00 12 /opt/kanade'),
    mapping('7f80c2763000-7f80c27d7000 r-xp 00010000 fe:00 13 /usr/lib/libm.so.6'),
    mapping('33945400000-33985400000 rw-p 00000000 00:00 0 '),
  ].join('');
  expect(cleanRanges(smaps, '/opt/kanade')).toEqual([
    { address: 0x200000n, bytes: 0x1839000n, residentBytes: 16_384 },
    { address: 0x1a40000n, bytes: 0x2000n, residentBytes: 4_096 },
  ]);
});

/** An ELF file of two sections: the names of both, and one of three bytes. */
function elf(): Buffer {
  const file = Buffer.alloc(64 + 2 * 64 + 20);
  file.write('7f454c460201', 'hex');
  file.writeBigUInt64LE(64n, 0x28);
  for (const [value, at] of [
    [64, 0x3a],
    [2, 0x3c],
    [0, 0x3e],
  ] as const)
    file.writeUInt16LE(value, at);
  const section = (index: number, { name, offset, bytes }: { name: number; offset: number; bytes: number }) => {
    const at = 64 + index * 64;
    file.writeUInt32LE(name, at);
    file.writeBigUInt64LE(BigInt(offset), at + 0x18);
    file.writeBigUInt64LE(BigInt(bytes), at + 0x20);
  };
  section(0, { name: 1, offset: 192, bytes: 16 });
  section(1, { name: 8, offset: 208, bytes: 3 });
  file.write('\0.names\0.bun\0', 192, 'latin1');
  return file;
}

const reading = (file: Buffer) => (at: number, bytes: number) => file.subarray(at, at + bytes);

it('finds a section by its name, and none in what is no such file', () => {
  expect(findSection(reading(elf()), '.bun')).toEqual({ offset: 208, bytes: 3 });
  expect(findSection(reading(elf()), '.data')).toBeUndefined();
  expect(findSection(reading(elf().subarray(0, 100)), '.bun')).toBeUndefined();
  expect(findSection(reading(Buffer.from('#!/bin/sh\n')), '.bun')).toBeUndefined();
});

it('finds where a byte of the file is mapped, and nothing where pages have another size', () => {
  const of = (kB: number) => `400000-402000 rw-p 00001000 fe:00 7 /opt/kanade\nRss: 8 kB\nKernelPageSize: ${kB} kB\n`;
  expect(addressOf(of(4), '/opt/kanade', 0x1800)).toBe(0x400800);
  expect(addressOf(of(4), '/opt/kanade', 0x3000)).toBeUndefined();
  expect(addressOf(of(4), '/opt/other', 0x1800)).toBeUndefined();
  expect(addressOf(of(64), '/opt/kanade', 0x1800)).toBeUndefined();
});

it('takes no page that was written to, or that is not there', () => {
  const [file, ours, away] = [0xa000_0000, 0x8000_0000, 0x2000_0000];
  const map = Buffer.alloc(6 * 8);
  for (const [index, flags] of [file, file, ours, file, away, ours].entries()) map.writeUInt32LE(flags, index * 8 + 4);
  expect(cleanPages(map, 0x10000)).toEqual([
    { address: 0x10000n, bytes: 8192n, residentBytes: 8192 },
    { address: 0x13000n, bytes: 4096n, residentBytes: 4096 },
  ]);
});
