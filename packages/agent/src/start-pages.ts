/**
 * Gives back what only the start of the executable needed. Of the 48 MB of its own file that an agent has touched when it is
 * ready, it needs 20 from then on (ADR 9): parsers, compilers and constructors that run once. The pages are unmapped, not
 * lost: the kernel maps a page again when it is touched, from its cache of the file.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Logger } from './config/logger.ts';

/** `MADV_DONTNEED` of Linux. */
const dontNeed = 4;

interface Libc {
  symbols: { madvise(address: bigint, bytes: bigint, advice: number): number };
}

/** When to give back first and again, in ms: by then a broker that is there has been read; what a busy time touched goes later. */
const [firstMs, everyMs] = [60_000, 600_000];

/** Gives back soon and then from time to time, until disposed of. Each time costs about 2 ms. */
export function keepGivingBack(log: Logger): Disposable {
  const give = (): void => {
    try {
      log.debug({ bytes: giveBackStartPages() }, 'gave back pages that only the start needed');
    } catch (error) {
      log.debug({ err: error }, 'could not give back pages of the start; they stay');
    }
  };
  let timer = setTimeout(() => {
    give();
    timer = setInterval(give, everyMs).unref();
  }, firstMs).unref();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

/** Returns how many bytes of our executable may go; 0 where there is nothing to give: on Node, and on other systems. */
function giveBackStartPages(): number {
  if (process.platform !== 'linux' || process.versions.bun === undefined) return 0;
  const ranges = cleanRanges(readFileSync('/proc/self/smaps', 'latin1'), process.execPath);
  const { madvise } = openLibc().symbols;
  return ranges
    .filter(({ address, bytes }) => madvise(address, bytes, dontNeed) === 0)
    .reduce((sum, { residentBytes }) => sum + residentBytes, 0);
}

/** Mappings of a file that nobody may write to and of which no page has been made our own: what they hold stands in the file. */
export function cleanRanges(smaps: string, file: string): { address: bigint; bytes: bigint; residentBytes: number }[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((mapping) => {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) r-.p \S+ \S+ \S+ +(\/.*)/.exec(mapping) ?? [];
    if (from === undefined || to === undefined || path !== file || !/^Anonymous: +0 kB$/m.test(mapping)) return [];
    const address = BigInt(`0x${from}`);
    const residentBytes = Number(/^Rss: +(\d+) kB$/m.exec(mapping)?.[1] ?? 0) * 1024;
    return [{ address, bytes: BigInt(`0x${to}`) - address, residentBytes }];
  });
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
