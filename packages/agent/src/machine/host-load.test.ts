import { expect, it } from 'vitest';
import { createHostLoad, type HostCounters, hostLoadOf } from './host-load.ts';
import type { Flow } from './proc-text.ts';

const flows = (all: Record<string, [number, number]>): ReadonlyMap<string, Flow> =>
  new Map(Object.entries(all).map(([name, [inBytes, outBytes]]) => [name, { inBytes, outBytes }]));

const at = (atMs: number, more: Partial<HostCounters> = {}): HostCounters => ({
  atMs,
  cpu: { busy: 100, total: 1000 },
  cpuCount: 4,
  memory: { mem_total_bytes: 8, mem_used_bytes: 3 },
  disks: flows({ sda: [1000, 1000] }),
  nets: flows({ lo: [0, 0] }),
  ...more,
});

it('hostLoadOf() has no rates at first', () => {
  expect(hostLoadOf(undefined, at(5))).toEqual({ cpu_count: 4, mem_total_bytes: 8, mem_used_bytes: 3 });
});

it('hostLoadOf() tells rates between two looks', () => {
  const now = at(2_000, {
    cpu: { busy: 150, total: 1200 },
    disks: flows({ sda: [3_000, 1_000] }),
    nets: flows({ lo: [10, 10], eth0: [1e9, 1e9] }), // an interface that came just now has no rate yet
  });
  expect(hostLoadOf(at(0), now)).toEqual({
    cpu_pct: 25,
    cpu_count: 4,
    mem_total_bytes: 8,
    mem_used_bytes: 3,
    disk_read_bytes_per_sec: 1000,
    disk_written_bytes_per_sec: 0,
    net_rx_bytes_per_sec: 5,
    net_tx_bytes_per_sec: 5,
  });
});

it('hostLoadOf() counts nothing for counters that wrapped, went back or vanished', () => {
  const before = at(0, { cpu: { busy: 500, total: 1000 }, disks: flows({ sda: [9, 9], sdb: [9, 9] }) });
  const now = at(1_000, { cpu: { busy: 400, total: 1100 }, disks: flows({ sda: [1, 10] }) });
  expect(hostLoadOf(before, now)).toMatchObject({
    cpu_pct: 0,
    disk_read_bytes_per_sec: 0,
    disk_written_bytes_per_sec: 1,
  });
  expect(hostLoadOf(before, at(1_000, { cpu: before.cpu }))).not.toHaveProperty('cpu_pct');
  expect(hostLoadOf(before, at(0))).not.toHaveProperty('disk_read_bytes_per_sec');
});

it('hostLoadOf() leaves out what the machine does not say', () => {
  const nothing = { cpu: undefined, cpuCount: 0, memory: {}, disks: undefined, nets: undefined };
  expect(hostLoadOf(at(0), at(1_000, nothing))).toEqual({});
  expect(hostLoadOf(at(0), at(1_000, { disks: new Map() }))).not.toHaveProperty('disk_read_bytes_per_sec');
});

it('createHostLoad() compares each look with the one before', () => {
  const looks = [at(0), at(1_000, { cpu: { busy: 200, total: 1200 } }), at(2_000, { cpu: { busy: 200, total: 1400 } })];
  const load = createHostLoad(() => looks.shift() ?? at(0));
  expect([load().cpu_pct, load().cpu_pct, load().cpu_pct]).toEqual([undefined, 50, 0]);
});
