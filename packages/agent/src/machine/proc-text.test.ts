import { describe, expect, it } from 'vitest';
import {
  pageBytesOf,
  parseDiskstats,
  parseMeminfo,
  parseNetDev,
  parseProcessIo,
  parseProcessStat,
  parseStat,
} from './proc-text.ts';

describe('parseStat()', () => {
  it('counts guests once, and a stolen processor as one that works', () => {
    const text =
      'cpu  100 10 50 800 40 5 5 20 60 6\ncpu0 50 5 25 400 20 2 3 10 30 3\ncpu1 50 5 25 400 20 3 2 10 30 3\nintr 1 2\n';
    expect(parseStat(text)).toEqual({ cpu: { busy: 190, total: 1030 }, cpuCount: 2 });
  });
  it('takes the four columns of an old kernel, and nothing from a line that is no line', () => {
    expect(parseStat('cpu 1 2 3 4\n')).toEqual({ cpu: { busy: 6, total: 10 }, cpuCount: 0 });
    expect(parseStat('cpu one two\n')).toEqual({ cpu: undefined, cpuCount: 0 });
    expect(parseStat('')).toEqual({ cpu: undefined, cpuCount: 0 });
  });
});

describe('parseMeminfo()', () => {
  it('takes what is available, and without swap says 0', () => {
    const text = 'MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\nSwapTotal:  0 kB\nSwapFree:  0 kB\n';
    expect(parseMeminfo(text)).toEqual({
      mem_total_bytes: 1_024_000,
      mem_used_bytes: 614_400,
      swap_total_bytes: 0,
      swap_used_bytes: 0,
    });
  });
  it('of a kernel that does not say what is available, counts what is free and cached', () => {
    const text = 'MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 250 kB\nHugePages_Total:       0\n';
    expect(parseMeminfo(text)).toEqual({ mem_total_bytes: 1_024_000, mem_used_bytes: 614_400 });
    expect(parseMeminfo('MemTotal: 1000 kB\nMemAvailable: 2000 kB\n').mem_used_bytes).toBe(0);
    expect(parseMeminfo('nothing')).toEqual({});
  });
});

/** A line of `/proc/diskstats` with so many sectors read and written. */
const disk = (name: string, read: number, written: number): string =>
  `   8       0 ${name} 11 22 ${read} 33 44 55 ${written} 66 0 77 88 0 0 0 0 9 10`;

it('parseDiskstats() takes whole devices, once each, in bytes', () => {
  const text = [
    disk('sda', 10, 20),
    disk('sda1', 4, 8),
    disk('sda10', 4, 8),
    disk('nvme0n1', 1, 2),
    disk('nvme0n1p1', 1, 2),
    disk('nvme0c0n1', 1, 2),
    disk('mmcblk0', 3, 0),
    disk('mmcblk0p2', 3, 0),
    disk('xvda1', 5, 6), // all that the machine has of it
    ...['dm-0', 'md127', 'loop3', 'ram0', 'zram0', 'drbd1', 'bcache0'].map((name) => disk(name, 9, 9)),
    '   8       1 short 1 2',
    '',
  ].join('\n');
  expect(Object.fromEntries(parseDiskstats(text))).toEqual({
    sda: { inBytes: 5_120, outBytes: 10_240 },
    nvme0n1: { inBytes: 512, outBytes: 1_024 },
    mmcblk0: { inBytes: 1_536, outBytes: 0 },
    xvda1: { inBytes: 2_560, outBytes: 3_072 },
  });
  expect(parseDiskstats('').size).toBe(0);
});

it('parseNetDev() takes loopback, aliases, and names that stand close to their figures', () => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0',
    '  eth0:4294967295 1 0 0 0 0 0 0 7 1 0 0 0 0 0 0',
    'eth0:1: 5 1 0 0 0 0 0 0 6 1 0 0 0 0 0 0',
    'bad: one',
  ].join('\n');
  expect(Object.fromEntries(parseNetDev(text))).toEqual({
    lo: { inBytes: 100, outBytes: 100 },
    eth0: { inBytes: 4_294_967_295, outBytes: 7 },
    'eth0:1': { inBytes: 5, outBytes: 6 },
  });
});

/** A line of `/proc/<pid>/stat`. */
const stat = (name: string, { user = 7, system = 3, begin = 1234, pages = 50 } = {}): string =>
  `42 (${name}) S 1 42 42 0 -1 4194560 1 0 0 0 ${user} ${system} 0 0 20 0 1 0 ${begin} 10000 ${pages} 18446744073709551615 1 1 0 0\n`;

describe('parseProcessStat()', () => {
  it.each(['sh', 'tmux: server', 'a) S 1 (b', ')', '(sd-pam)', '', 'line\nend', '\u{fffd}\u{1b}[31m'])(
    'reads a process called %j',
    (name) => {
      expect(parseProcessStat(stat(name))).toEqual({ pid: 42, name, ticks: 10, begin: 1234, residentPages: 50 });
    },
  );
  it.each([
    '',
    '42',
    '42 (cut',
    '42 (cut) S 1',
    'x (sh) S 1',
    stat('sh', { user: -1 }),
    stat('sh', { begin: Number.NaN }),
  ])('gives nothing for %j', (text) => {
    expect(parseProcessStat(text)).toBeUndefined();
  });
  it('reads a process that holds no memory, whatever sign that has', () => {
    expect(parseProcessStat(stat('kworker/0:1', { pages: -3 }))?.residentPages).toBe(0);
  });
});

it('parseProcessIo() takes what went to the storage, not what calls moved', () => {
  const text = 'rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n';
  expect(parseProcessIo(text)).toEqual({ agent_disk_read_bytes: 5, agent_disk_written_bytes: 6 });
  expect(parseProcessIo('read_bytes: -1\n')).toEqual({});
});

it('pageBytesOf() finds the size of a page, or says what is usual', () => {
  const auxv = Buffer.alloc(48);
  for (const [at, word] of [33n, 1n, 6n, 65_536n, 0n, 0n].entries()) auxv.writeBigUInt64LE(word, at * 8);
  expect(pageBytesOf(auxv)).toBe(65_536);
  expect(pageBytesOf(Buffer.alloc(5))).toBe(4096);
});
