/**
 * What Linux says of a machine in `/proc` (proc(5)), as numbers. Text in, numbers out: whatever cannot be read is left out, and no
 * text makes them throw.
 */

/** Time of all processors since the start, in ticks: how much of it was work, and all of it. */
export interface CpuTime {
  readonly busy: number;
  readonly total: number;
}

/** `/proc/stat`: the processors together, and how many there are. */
export function parseStat(text: string): { cpu: CpuTime | undefined; cpuCount: number } {
  let cpu: CpuTime | undefined;
  let cpuCount = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith('cpu')) break; // they stand first
    const [name, ...words] = line.trim().split(/\s+/);
    if (name !== 'cpu') cpuCount++;
    else cpu = cpuTimeOf(words.map(Number));
  }
  return { cpu, cpuCount };
}

/** Time of guests is in that of their hosts already. */
function cpuTimeOf(ticks: readonly number[]): CpuTime | undefined {
  const [user, nice, system, idle, waiting = 0, interrupts = 0, soft = 0, stolen = 0] = ticks;
  const busy = sum([user, nice, system, interrupts, soft, stolen]);
  const total = sum([busy, idle, waiting]);
  return busy === undefined || total === undefined ? undefined : { busy, total };
}

function sum(numbers: readonly (number | undefined)[]): number | undefined {
  const all = numbers.reduce<number>((total, number) => total + (number ?? Number.NaN), 0);
  return Number.isFinite(all) ? all : undefined;
}

export interface Memory {
  readonly mem_used_bytes?: number;
  readonly mem_total_bytes?: number;
  readonly swap_used_bytes?: number;
  readonly swap_total_bytes?: number;
}

/** `/proc/meminfo`. Used is what a new program could not get; without swap both figures of it are 0. */
export function parseMeminfo(text: string): Memory {
  const kib = new Map(
    [...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, name = '', digits]) => [name, Number(digits)]),
  );
  // Kernels before 3.14 do not say what is available.
  const free = kib.get('MemAvailable') ?? sum(['MemFree', 'Buffers', 'Cached'].map((name) => kib.get(name)));
  return {
    ...usedOf('mem', kib.get('MemTotal'), free),
    ...usedOf('swap', kib.get('SwapTotal'), kib.get('SwapFree')),
  };
}

function usedOf(what: 'mem' | 'swap', totalKib: number | undefined, freeKib: number | undefined): Memory {
  if (totalKib === undefined) return {};
  const total = { [`${what}_total_bytes`]: totalKib * 1024 };
  if (freeKib === undefined) return total;
  return { ...total, [`${what}_used_bytes`]: Math.max(0, totalKib - freeKib) * 1024 };
}

/** Two counters of a device: what came from it and what went to it, in bytes since the start. */
export interface Flow {
  readonly inBytes: number;
  readonly outBytes: number;
}

/** What is made of memory, of files, or of other devices that are counted themselves. */
const notOfItsOwn = /^(ram|loop|zram|dm-|md|bcache|drbd|nvme\d+c\d+n)\d*/;
/** `/proc/diskstats` counts in these, whatever the device has. */
const sectorBytes = 512;

/** `/proc/diskstats`: whole devices only; a partition, or what is stacked upon devices, would count twice. */
export function parseDiskstats(text: string): Map<string, Flow> {
  const all = new Map<string, Flow>();
  for (const line of text.split('\n')) {
    const [, , name = '', , , read, , , , written] = line.trim().split(/\s+/);
    const flow = { inBytes: Number(read) * sectorBytes, outBytes: Number(written) * sectorBytes };
    if (name !== '' && isFlow(flow) && !notOfItsOwn.test(name)) all.set(name, flow);
  }
  return new Map([...all].filter(([name]) => !isPartition(name, all)));
}

/** `sda1` of `sda`; `nvme0n1p2` of `nvme0n1`, whose own name ends with a digit. */
function isPartition(name: string, all: ReadonlyMap<string, Flow>): boolean {
  const [, whole = ''] = /^(.*\d)p\d+$/.exec(name) ?? /^(.*\D)\d+$/.exec(name) ?? [];
  return all.has(whole);
}

/** `/proc/net/dev`: every interface, loopback included. A name may hold a colon (an alias) and stand without a blank before its figures. */
export function parseNetDev(text: string): Map<string, Flow> {
  const all = new Map<string, Flow>();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(':');
    if (at < 0) continue;
    const figures = line
      .slice(at + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const flow = { inBytes: figures[0] ?? Number.NaN, outBytes: figures[8] ?? Number.NaN };
    if (isFlow(flow)) all.set(line.slice(0, at).trim(), flow);
  }
  return all;
}

const isFlow = ({ inBytes, outBytes }: Flow): boolean => Number.isFinite(inBytes) && Number.isFinite(outBytes);

/** One process of `/proc/<pid>/stat`. */
export interface ProcessStat {
  readonly pid: number;
  readonly name: string;
  /** Processor time, in ticks of a hundredth of a second. */
  readonly ticks: number;
  /** When it began, in ticks since the start of the machine: with the number it tells it from another that has its number later. */
  readonly begin: number;
  readonly residentPages: number;
}

/** `/proc/<pid>/stat`; undefined for what is no such text. A name may hold blanks, brackets and line ends. */
export function parseProcessStat(text: string): ProcessStat | undefined {
  const [open, close] = [text.indexOf('('), text.lastIndexOf(')')];
  if (open < 1 || close < open) return undefined;
  const rest = text
    .slice(close + 1)
    .trim()
    .split(/\s+/);
  const [pid, user, system, begin, pages] = [text.slice(0, open), rest[11], rest[12], rest[19], rest[21]].map(Number);
  if (pid === undefined || user === undefined || system === undefined || begin === undefined) return undefined;
  const residentPages = Math.max(0, pages ?? 0);
  const isWhole = [pid, user, system, begin, residentPages].every(
    (number) => Number.isSafeInteger(number) && number >= 0,
  );
  return isWhole ? { pid, name: text.slice(open + 1, close), ticks: user + system, begin, residentPages } : undefined;
}

/**
 * `/proc/self/io`: what the process had the storage read and write. The counters beside them (`rchar`, `wchar`) are those of all
 * calls, from the cache, pipes and sockets, too.
 */
export function parseProcessIo(text: string): { agent_disk_read_bytes?: number; agent_disk_written_bytes?: number } {
  const of = (name: string): number | undefined => {
    const [, digits] = new RegExp(`^${name}: (\\d+)$`, 'm').exec(text) ?? [];
    return digits === undefined || !Number.isSafeInteger(Number(digits)) ? undefined : Number(digits);
  };
  const [read, written] = [of('read_bytes'), of('write_bytes')];
  return {
    ...(read === undefined ? {} : { agent_disk_read_bytes: read }),
    ...(written === undefined ? {} : { agent_disk_written_bytes: written }),
  };
}

/** Bytes of a page, from the auxiliary vector of a program of 64 bits (`/proc/self/auxv`, AT_PAGESZ); 4096 where that does not say. */
export function pageBytesOf(auxv: Uint8Array): number {
  const view = new DataView(auxv.buffer, auxv.byteOffset, auxv.byteLength);
  for (let at = 0; at + 16 <= auxv.byteLength; at += 16) {
    if (view.getBigUint64(at, true) === 6n) return Number(view.getBigUint64(at + 8, true)) || 4096;
  }
  return 4096;
}
