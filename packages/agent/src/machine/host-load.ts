/** The load of this machine: from `/proc` on Linux, elsewhere what the runtime knows. */
import { readFileSync } from 'node:fs';
import { cpus, freemem, totalmem } from 'node:os';
import type { HostPerf } from '@kanade/shared/fleet';
import {
  type CpuTime,
  type Flow,
  type Memory,
  parseDiskstats,
  parseMeminfo,
  parseNetDev,
  parseStat,
} from './proc-text.ts';

export type HostLoad = Memory &
  Pick<
    HostPerf,
    | 'cpu_pct'
    | 'cpu_count'
    | 'disk_read_bytes_per_sec'
    | 'disk_written_bytes_per_sec'
    | 'net_rx_bytes_per_sec'
    | 'net_tx_bytes_per_sec'
  >;

/** What the counters of a machine say at one time. What it does not have is undefined. */
export interface HostCounters {
  /** On a clock that nobody sets, in ms. */
  readonly atMs: number;
  readonly cpu: CpuTime | undefined;
  readonly cpuCount: number;
  readonly memory: Memory;
  readonly disks: ReadonlyMap<string, Flow> | undefined;
  readonly nets: ReadonlyMap<string, Flow> | undefined;
}

/** Gives the load since the call before; rates are absent in the first answer. A handful of small files are read, in well under 1 ms. */
export function createHostLoad(look: () => HostCounters = lookAtHost): () => HostLoad {
  let before: HostCounters | undefined;
  return () => {
    const now = look();
    const load = hostLoadOf(before, now);
    before = now;
    return load;
  };
}

/** The load between two looks. A counter that went back, or that was not there before, counts for nothing. */
export function hostLoadOf(before: HostCounters | undefined, now: HostCounters): HostLoad {
  const seconds = before ? (now.atMs - before.atMs) / 1000 : 0;
  const cpu = cpuPctOf(before?.cpu, now.cpu);
  const [read, written] = ratesOf(before?.disks, now.disks, seconds);
  const [received, sent] = ratesOf(before?.nets, now.nets, seconds);
  return {
    ...(cpu === undefined ? {} : { cpu_pct: cpu }),
    ...(now.cpuCount > 0 ? { cpu_count: now.cpuCount } : {}),
    ...now.memory,
    ...(read === undefined ? {} : { disk_read_bytes_per_sec: read }),
    ...(written === undefined ? {} : { disk_written_bytes_per_sec: written }),
    ...(received === undefined ? {} : { net_rx_bytes_per_sec: received }),
    ...(sent === undefined ? {} : { net_tx_bytes_per_sec: sent }),
  };
}

function cpuPctOf(before: CpuTime | undefined, now: CpuTime | undefined): number | undefined {
  if (!before || !now || now.total <= before.total) return undefined;
  const share = (now.busy - before.busy) / (now.total - before.total);
  return Math.round(Math.min(Math.max(share, 0), 1) * 10_000) / 100;
}

type Flows = ReadonlyMap<string, Flow> | undefined;

function ratesOf(before: Flows, now: Flows, seconds: number): [number?, number?] {
  if (!before || !now || now.size === 0 || seconds <= 0) return [];
  let [inBytes, outBytes] = [0, 0];
  for (const [name, flow] of now) {
    const last = before.get(name);
    if (!last) continue;
    inBytes += Math.max(0, flow.inBytes - last.inBytes);
    outBytes += Math.max(0, flow.outBytes - last.outBytes);
  }
  return [Math.round(inBytes / seconds), Math.round(outBytes / seconds)];
}

function lookAtHost(): HostCounters {
  const atMs = performance.now();
  const [stat, meminfo, disks, nets] = ['stat', 'meminfo', 'diskstats', 'net/dev'].map(readProc);
  return {
    atMs,
    ...(stat === undefined ? cpuOfRuntime() : parseStat(stat)),
    memory: meminfo === undefined ? memoryOfRuntime() : parseMeminfo(meminfo),
    disks: disks === undefined ? undefined : parseDiskstats(disks),
    nets: nets === undefined ? undefined : parseNetDev(nets),
  };
}

function readProc(name: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readFileSync(`/proc/${name}`, 'latin1');
  } catch {
    return undefined; // a container may not have it: what it would say is left out
  }
}

function cpuOfRuntime(): { cpu: CpuTime | undefined; cpuCount: number } {
  const all = cpus();
  const times = all.map(({ times: { user, nice, sys, irq, idle } }) => ({ busy: user + nice + sys + irq, idle }));
  const busy = times.reduce((sum, time) => sum + time.busy, 0);
  const total = times.reduce((sum, time) => sum + time.idle, busy);
  return { cpu: all.length === 0 ? undefined : { busy, total }, cpuCount: all.length };
}

const memoryOfRuntime = (): Memory => ({ mem_total_bytes: totalmem(), mem_used_bytes: totalmem() - freemem() });
