/**
 * Keeping the first and the last part of a log while its writer goes on: the middle is given back to the file system as
 * a hole. Nothing moves, so the writer and every reader keep their offsets; what is omitted stands in `omitted.json`.
 */
import { statSync } from 'node:fs';
import { runSink } from '../process/spawn.ts';

/** Holes are whole pages of the file system, in bytes. */
const pageBytes = 4096;

/** Where util-linux has its programs, and how long one hole may take, in ms. */
const [programDirs, punchMs] = ['/usr/sbin:/usr/bin:/sbin:/bin', 60_000];

/** Bytes of a log that lie on the disk. */
export function bytesOnDisk(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? Math.min(stat.size, stat.blocks * 512) : 0;
}

export interface TrimOptions {
  /** Bytes of the log that stay: a third of them from its beginning. */
  readonly bytesMax: number;
  /** Where an earlier hole of this log begins. */
  readonly from: number | undefined;
  /** Told before it is done which bytes `[from, to)` go: nobody is to take a hole for output. */
  readonly onOmitted: (from: number, to: number) => void;
}

/** Brings a log below `bytesMax`. False where that cannot be done: a small limit, or a system without holes. */
export async function trimLog(path: string, { bytesMax, from: known, onOmitted }: TrimOptions): Promise<boolean> {
  const from = known ?? Math.ceil(bytesMax / 3 / pageBytes) * pageBytes;
  const to = Math.floor((statSync(path).size - (bytesMax * 2) / 3) / pageBytes) * pageBytes;
  if (to <= from) return false;
  onOmitted(from, to);
  return await punchHole(path, from, to);
}

/** Node has no call for it; the program comes with every Linux distribution and is needed once in gigabytes. */
async function punchHole(path: string, from: number, to: number): Promise<boolean> {
  if (process.platform !== 'linux') return false;
  const words = ['--punch-hole', '--offset', String(from), '--length', String(to - from), path];
  const failure = await runSink({
    argv: ['fallocate', ...words],
    cwd: '/',
    env: { PATH: programDirs },
    input: '',
    timeoutMs: punchMs,
  });
  return failure === undefined;
}
