/**
 * What a process is, beyond its pid. Pids are reused: nothing is signalled or called alive unless pid, start time and
 * boot all match what was stored at launch.
 */
import { readFileSync } from 'node:fs';

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
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.boot !== bootId()) return false;
  const entry = readProcess(identity.pid);
  return entry !== undefined && !entry.zombie && entry.start === identity.start;
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
 * How long ago a process of this boot started, in ms, on a clock that nobody sets; within a clock tick. Undefined where the
 * system does not tell (not Linux). Measured against our own start: containers may be told another uptime.
 */
export function ageMsOf({ start }: Pick<ProcessIdentity, 'start'>): number | undefined {
  if (process.platform !== 'linux') return undefined;
  return finite(process.uptime() * 1000 + ((ownStart() - Number(start)) / ticksPerSecond) * 1000);
}

/** The id of the running boot. `KANADE_BOOT_ID` is not read here: tests pass a stored identity with another boot. */
export const bootId: () => string = once(() =>
  process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim() : '',
);

/** One process by pid. */
export function readProcess(pid: number): ProcessEntry | undefined {
  if (process.platform === 'linux') {
    try {
      return parseProcStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    } catch {
      return undefined; // ENOENT or ESRCH: it ended between the listing and the read
    }
  }
  return listWithPs(['-p', String(pid)])[0];
}

/** Fields of `/proc/<pid>/stat`. The name in parentheses may hold blanks and parentheses, so it is cut at the last one. */
export function parseProcStat(text: string): ProcessEntry | undefined {
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < 0) return undefined;
  const fields = text.slice(close + 2).split(' ');
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
export function listWithPs(selection: readonly string[]): ProcessEntry[] {
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
