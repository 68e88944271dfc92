/** The busiest processes of this machine, from `/proc`. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ProcessSample } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import { type ProcessStat, pageBytesOf, parseProcessStat } from './proc-text.ts';

/** A process as it stood when it was looked at. */
interface Looked extends ProcessStat {
  /** On a clock that nobody sets, in ms. */
  readonly atMs: number;
}

export interface ProcessLoad {
  /** The busiest since the look before, at most so many; at first those that hold most memory. Undefined where the system does not say. */
  look(countMax: number): Promise<ProcessSample[] | undefined>;
  /** Lets go of what it knows: the next look is a first one. */
  forget(): void;
}

/** Looks in pieces: no turn of the event loop takes longer than one of them. */
export function createProcessLoad(): ProcessLoad {
  let before: ReadonlyMap<number, Looked> | undefined;
  let beganMs = 0;
  let pageBytes: number | undefined;
  return {
    async look(countMax) {
      if (process.platform !== 'linux') return undefined;
      const last = before && { processes: before, beganMs };
      const startMs = performance.now();
      const now = await lookAtProcesses();
      before = now;
      beganMs = startMs;
      pageBytes ??= ownPageBytes();
      return busiestOf([...now.values()], last, { countMax, pageBytes });
    },
    forget() {
      before = undefined;
    },
  };
}

async function lookAtProcesses(): Promise<Map<number, Looked>> {
  const found = new Map<number, Looked>();
  let turnMs = performance.now();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    if (found.size >= limits.processesLookedMax) break;
    if (performance.now() - turnMs > limits.processesTurnMs) {
      await nextTurn();
      turnMs = performance.now();
    }
    const stat = statOf(name);
    if (stat) found.set(stat.pid, { ...stat, atMs: performance.now() });
  }
  return found;
}

function statOf(pid: string): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined; // it ended a moment ago, or is hidden from us
  }
}

interface Before {
  readonly processes: ReadonlyMap<number, Looked>;
  readonly beganMs: number;
}

/** Of two looks, the processes that had most processor time between them; of one look, those that hold most memory. */
export function busiestOf(
  now: readonly Looked[],
  before: Before | undefined,
  { countMax, pageBytes }: { readonly countMax: number; readonly pageBytes: number },
): ProcessSample[] {
  const weighed = now.map((one) => ({ one, cpu: before && cpuPctOf(one, before) }));
  weighed.sort((a, b) => (b.cpu ?? 0) - (a.cpu ?? 0) || b.one.residentPages - a.one.residentPages);
  return weighed.slice(0, countMax).map(({ one, cpu }) => ({
    pid: one.pid,
    name: one.name,
    ...(cpu === undefined ? {} : { cpu_pct: Math.round(cpu * 100) / 100 }),
    mem_bytes: one.residentPages * pageBytes,
  }));
}

/** A tick is a hundredth of a second on every machine that Linux tells them of. */
function cpuPctOf({ pid, begin, ticks, atMs }: Looked, { processes, beganMs }: Before): number {
  const last = processes.get(pid);
  // Another process with that number is a new one: all that it had is from between the looks.
  const [sinceMs, had] = last?.begin === begin ? [last.atMs, last.ticks] : [beganMs, 0];
  return atMs > sinceMs ? (Math.max(0, ticks - had) * 1000) / (atMs - sinceMs) : 0;
}

function ownPageBytes(): number {
  try {
    return pageBytesOf(readFileSync('/proc/self/auxv'));
  } catch {
    return 4096;
  }
}
