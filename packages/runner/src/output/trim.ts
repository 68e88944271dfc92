/**
 * Keeping the first and the last part of a log while its writer goes on: the middle is given back to the file system as
 * a hole. Nothing moves, so the writer and every reader keep their offsets; what is omitted stands in `omitted.json`.
 */
import { statSync } from 'node:fs';
import { type JobDir, pathOf } from '../job/layout.ts';
import { type OmittedRanges, readOmitted } from '../job/record.ts';
import { pretty, replaceFile } from '../job/replace-file.ts';
import { runSink } from '../process/spawn.ts';

export const streams = ['stdout', 'stderr'] as const;
export type Stream = (typeof streams)[number];

/** Holes are whole pages of the file system, in bytes. */
const pageBytes = 4096;

/** Where util-linux has its programs, and how long one hole may take, in ms. */
const [programDirs, punchMs] = ['/usr/sbin:/usr/bin:/sbin:/bin', 60_000];

/** Bytes of a log that lie on the disk. */
export function bytesOnDisk(job: JobDir, stream: Stream): number {
  const stat = statSync(pathOf(job, stream), { throwIfNoEntry: false });
  return stat ? Math.min(stat.size, stat.blocks * 512) : 0;
}

/**
 * Brings both logs of a job below `bytesMax` together: of a stream with more than half of that, the first eighth and the
 * last quarter of `bytesMax` stay. False where that cannot be done: a small limit, or a system without holes.
 */
export async function trimLogs(job: JobDir, bytesMax: number): Promise<boolean> {
  for (const stream of streams) {
    if (bytesOnDisk(job, stream) * 2 <= bytesMax) continue;
    const size = statSync(pathOf(job, stream)).size;
    const known = readOmitted(job);
    const from = known?.[stream]?.[0] ?? Math.ceil(bytesMax / 8 / pageBytes) * pageBytes;
    const to = Math.floor((size - bytesMax / 4) / pageBytes) * pageBytes;
    if (to <= from) return false;
    // Said before it is done: nobody is to take a hole for output.
    replaceFile(pathOf(job, 'omitted'), pretty({ ...known, [stream]: [from, to] } satisfies OmittedRanges));
    if (!(await punchHole(pathOf(job, stream), from, to))) return false;
  }
  return true;
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
