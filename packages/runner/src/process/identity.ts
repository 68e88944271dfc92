/**
 * What a process is, beyond its pid, and which ones there are. Pids are reused: nothing is signalled or called alive unless pid, start time and
 * boot all match what was stored at launch.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Remembers what a system does not change while a program runs, such as the id of its boot: read at the first call only. */
export function once<T>(read: () => T): () => T {
  let known: { readonly value: T } | undefined;
  return () => {
    known ??= { value: read() };
    return known.value;
  };
}

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time as the system states it: clock ticks since boot on Linux, a date text elsewhere. Only compared. */
  readonly start: string;
  /** Boot id of the system; the empty text where it has none. */
  readonly boot: string;
}

/** One process as the system lists it. `session` is 0 where the system does not tell. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly start: string;
  readonly zombie: boolean;
}

/** Identity of a live process; undefined when there is none with this pid (a zombie counts as gone). */
export function identify(pid: number): ProcessIdentity | undefined {
  const entry = readProcess(pid);
  return entry && !entry.zombie ? { pid, start: entry.start, boot: bootId() } : undefined;
}

/** The same of a child of ours, which is known by its pid even when it has ended already. */
export function identityOfChild(pid: number): ProcessIdentity | undefined {
  const entry = readProcess(pid);
  return entry && { pid, start: entry.start, boot: bootId() };
}

/** Our own. */
export const ownIdentity: () => ProcessIdentity | undefined = once(() => identify(process.pid));

/** True when exactly this process still runs: same pid, same start, same boot. */
export const isAlive = (identity: ProcessIdentity): boolean => standingOf(identity) === 'alive';

/** The same, with the reason why not. */
export function standingOf({ pid, start, boot }: ProcessIdentity): 'alive' | 'gone' | 'other-boot' {
  if (boot !== bootId()) return 'other-boot';
  const entry = readProcess(pid);
  return entry && !entry.zombie && entry.start === start ? 'alive' : 'gone';
}

/** Clock ticks per second in what the kernel tells programs; fixed on Linux. */
const ticksPerSecond = 100;

/**
 * When a process started, in ms since 1970: up to a second too early, never too late. Undefined when the system does not
 * tell.
 */
export function startedAtMs({ start }: Pick<ProcessIdentity, 'start'>): number | undefined {
  if (process.platform !== 'linux') return finite(Date.parse(start));
  const bootSeconds = /^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'latin1'))?.[1];
  return finite((Number(bootSeconds) + Number(start) / ticksPerSecond) * 1000);
}

const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined);

/** Our own start, in clock ticks since boot. */
const ownStart = once(() => Number(readProcess(process.pid)?.start));

/**
 * How long ago a process of this boot started, in ms, on a clock that nobody sets: never too much, two clock ticks and our own way
 * into our program too little. Undefined where the system does not tell (not Linux). Measured against our own start: containers may
 * be told another uptime.
 */
export function ageMsOf({ start }: Pick<ProcessIdentity, 'start'>): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return ageBetween({ own: ownStart(), ownAgeMs: process.uptime() * 1000, start: Number(start) });
}

/** Pure: two starts that are told to the tick may lie a tick closer together than they seem to. */
export const ageBetween = (given: { own: number; ownAgeMs: number; start: number }): number | undefined =>
  finite(given.ownAgeMs + ((given.own - given.start - 1) / ticksPerSecond) * 1000);

/**
 * The clock tick that it is now, as start times are told, or one that is a little past: whoever started before it is not mixed up with
 * another of the same pid, who would have started later. After them all where the system does not tell (not Linux).
 */
export const clockTick = (): number =>
  process.platform === 'linux' ? Math.floor(ownStart() + process.uptime() * ticksPerSecond) : Number.POSITIVE_INFINITY;

/** The id of the running boot. `KANADE_BOOT_ID` is not read here: tests pass a stored identity with another boot. */
export const bootId: () => string = once(() =>
  process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() : '',
);

/** One process by pid. A thread has a number of the same kind, and is none. */
export function readProcess(pid: number): ProcessEntry | undefined {
  if (process.platform === 'linux') {
    try {
      // Node takes half the time for this than for any other encoding; what a process calls itself is not looked at.
      return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return undefined; // ENOENT or ESRCH: it ended between the listing and the read
    }
  }
  return listWithPs(['-p', String(pid)])[0];
}

/** What the system calls a process; empty when it is gone. */
export function processName(pid: number): string {
  if (process.platform === 'linux') {
    try {
      return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    } catch {
      return ''; // it ended meanwhile
    }
  }
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  return (spawnSync('ps', ['-p', String(pid), '-o', 'comm='], { encoding: 'utf8' }).stdout ?? '').trim();
}

/** Flag of the kernel for a process that is on its last way: its memory goes before it is a zombie. */
const exitingFlag = 0x4;

/** True for one that is ending and has not ended. Linux only; elsewhere false. */
export function isExiting(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, ...fields] = text.slice(text.lastIndexOf(') ') + 2).split(' ');
    return state !== 'Z' && state !== 'X' && (Number(fields[5]) & exitingFlag) !== 0;
  } catch {
    return false; // it is gone
  }
}

/** What the kernel says of a thread where a process has the signal that its parent gets in the end. */
const signalOfThread = '-1';

/**
 * Fields of `/proc/<pid>/stat`; undefined for a thread, which is readable under its number, though not listed: a signal to it would hit
 * its whole process. The name in parentheses may hold blanks and parentheses, so it is cut at the last one.
 */
export function parseProcStat(text: string): ProcessEntry | undefined {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < 0) return undefined;
  const fields = text.slice(close + 2).split(' ');
  if (fields[35] === signalOfThread) return undefined;
  const state = fields[0];
  return {
    pid: Number(text.slice(0, open)),
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    start: fields[19] ?? '',
    zombie: state === 'Z' || state === 'X',
  };
}

/** macOS and other systems without `/proc`: one call of `ps`; `lstart` is the start time to the second. */
function listWithPs(selection: readonly string[]): ProcessEntry[] {
  // Loaded only here: node:child_process costs a millisecond of every call's start-up.
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const { stdout } = spawnSync('ps', [...selection, '-o', 'pid=,ppid=,pgid=,stat=,lstart='], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  return (stdout ?? '')
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line))
    .filter((match) => match !== null)
    .map((match) => ({
      pid: Number(match[1]),
      parent: Number(match[2]),
      group: Number(match[3]),
      session: 0,
      start: match[5] ?? '',
      zombie: match[4]?.startsWith('Z') ?? false,
    }));
}

/** Every process of this machine that we may see. */
export function listProcesses(): ProcessEntry[] {
  if (process.platform !== 'linux') return listWithPs(['-ax']);
  return readAll(readdirSync('/proc').map(Number).filter(Boolean));
}

const readAll = (pids: readonly number[]): ProcessEntry[] =>
  pids.map((pid) => readProcess(pid)).filter((entry) => entry !== undefined);

/** A tree whose leader started less than so many ms ago has only members with greater pids, unless the pids began anew. */
const youngMs = 1_000;

/** One listing serves all trees that end within so many ms. */
const listingMsMax = 50;

/** Processes, and the pid that was given out last before they were listed. */
interface Listing {
  readonly processes: readonly ProcessEntry[];
  readonly last: number;
  /** On the `performance.now()` clock. */
  readonly atMs: number;
}

let listing: Listing | undefined;

/**
 * The processes among which are all members of a tree that has ended; some may have ended since. Of a young tree only those that
 * were started after its leader; for old ones one listing serves many, with whoever has come since: no clock tells whether it was made
 * before or after an end, the times of files lag behind.
 */
export function processesSince(leader: ProcessIdentity): readonly ProcessEntry[] {
  if (process.platform !== 'linux') return listProcesses();
  const last = lastPid();
  if (isYoungTree(leader, last)) return processesAfter(leader.pid, last);
  const isFresh = listing && performance.now() - listing.atMs <= listingMsMax && last - listing.last <= askedMax;
  if (!listing || !isFresh || last < listing.last)
    listing = { processes: listProcesses(), last, atMs: performance.now() };
  return withLater(listing.processes, processesAfter(listing.last, last));
}

/** A look at the processes that came after its leader has all of its members: few. Never so where the system does not tell (not Linux). */
export function isYoungTree(leader: ProcessIdentity, last = lastPid()): boolean {
  // Far below zero: the machine has slept, which only starts are told.
  return Math.abs(ageMsOf(leader) ?? youngMs) < youngMs && last >= leader.pid;
}

/** Pure: each pid once, as it was told later. */
export function withLater(earlier: readonly ProcessEntry[], later: readonly ProcessEntry[]): readonly ProcessEntry[] {
  if (later.length === 0) return earlier;
  return [...new Map([...earlier, ...later].map((entry) => [entry.pid, entry])).values()];
}

/** Up to so many pids are asked for one by one: that is cheaper than the names of all processes. */
const askedMax = 256;

/** Looks that follow pids which are given out meanwhile: a member that ends may have left its work to a child. */
const followsMax = 3;

/** Those with pids above `above` up to the last that was given out: what is younger than the process of that pid. */
function processesAfter(above: number, last: number): ProcessEntry[] {
  const found: ProcessEntry[] = [];
  let [from, to] = [above, last];
  for (let follow = 0; follow < followsMax && to > from; follow++) {
    if (to - from > askedMax) return listProcesses().filter(({ pid }) => pid > above);
    for (let pid = from + 1; pid <= to; pid++) {
      const entry = readProcess(pid);
      if (entry) found.push(entry);
    }
    [from, to] = [to, lastPid()];
  }
  return found;
}

/** The pid that was given out last. */
function lastPid(): number {
  const text = readFileSync('/proc/loadavg', 'latin1');
  return Number(text.slice(text.lastIndexOf(' ') + 1));
}
