import { expect, it } from 'vitest';
import { cleanRanges } from './start-pages.ts';

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
