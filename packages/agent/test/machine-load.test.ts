/** What is told of this machine, against what its own tools say. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { eventually } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { createHostLoad } from '../src/machine/host-load.ts';
import { ownDisk } from '../src/machine/own-load.ts';
import { parseDiskstats, parseNetDev } from '../src/machine/proc-text.ts';
import { createProcessLoad } from '../src/machine/process-load.ts';

const said = (program: string, ...args: string[]): string => spawnSync(program, args, { encoding: 'utf8' }).stdout;
const near = (a: number, b: number, tolerance: number): boolean => Math.abs(a - b) <= tolerance;

if (process.platform === 'linux') {
  it('memory and swap are those of free', async () => {
    const load = createHostLoad();
    // Others take and give meanwhile: both looks come close to one another at some time.
    const { ours, total } = await eventually('what free says', () => {
      const found = load();
      const [, mem = '', swap = ''] = said('free', '-b').split('\n');
      const [, memTotal = 0, , , , , available = 0] = mem.split(/\s+/).map(Number);
      const [, swapTotal = 0, swapUsed = 0] = swap.split(/\s+/).map(Number);
      const isNear =
        near(found.mem_used_bytes ?? -1, memTotal - available, memTotal / 20) &&
        near(found.swap_used_bytes ?? -1, swapUsed, memTotal / 20);
      return isNear && { ours: found, total: [memTotal, swapTotal] };
    });
    expect([ours.mem_total_bytes, ours.swap_total_bytes]).toEqual(total);
  });

  it('processors are those of nproc, and disks those of the kernel', () => {
    expect(createHostLoad()().cpu_count).toBe(Number(said('nproc', '--all')));
    const disks = existsSync('/proc/diskstats')
      ? [...parseDiskstats(readFileSync('/proc/diskstats', 'utf8')).keys()]
      : [];
    const whole = existsSync('/sys/block') ? readdirSync('/sys/block') : disks;
    expect(disks.filter((name) => !whole.includes(name))).toEqual([]);
    expect([...parseNetDev(readFileSync('/proc/net/dev', 'utf8')).keys()]).toContain('lo');
  });

  it('a process that works is told of as ps has it, and the machine is at work then', async () => {
    const child = spawn(process.execPath, ['-e', 'const a = Buffer.alloc(50e6, 1); for (;;) a[0]++;'], {
      stdio: 'ignore',
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const [processes, load] = [createProcessLoad(), createHostLoad()];
    load();
    expect((await processes.look(500))?.every((one) => one.cpu_pct === undefined)).toBe(true);
    // It grows while it begins: what we say and what ps says meet when it has.
    const { sample, host, name } = await eventually('the process among the busiest, as ps has it', async () => {
      const [busiest = [], found] = [await processes.look(500), load()];
      const own = busiest.find(({ pid }) => pid === child.pid);
      const [comm, kib] = said('ps', '-o', 'comm=,rss=', '-p', String(child.pid))
        .trim()
        .split(/\s+(?=\d+$)/);
      const isTold = (own?.cpu_pct ?? 0) > 0 && (own?.mem_bytes ?? 0) > 50e6 && (found.cpu_pct ?? 0) > 0;
      return (
        isTold && own && near(own.mem_bytes ?? 0, Number(kib) * 1024, 20e6) && { sample: own, host: found, name: comm }
      );
    });
    expect(sample.cpu_pct).toBeLessThanOrEqual(100 * availableParallelism() + 50);
    expect(host.cpu_pct).toBeLessThanOrEqual(100);
    expect(sample.name).toBe(name);
  });

  it('what this process had the storage do is what the kernel counts for it', () => {
    const { agent_disk_read_bytes: read, agent_disk_written_bytes: written } = ownDisk();
    const io = existsSync('/proc/self/io') ? readFileSync('/proc/self/io', 'utf8') : '';
    const [after = 0] = /(?<=\nread_bytes: )\d+/.exec(io) ?? [];
    if (read !== undefined) expect(read).toBeLessThanOrEqual(Number(after));
    expect(typeof written).toBe(typeof read);
  });
}
