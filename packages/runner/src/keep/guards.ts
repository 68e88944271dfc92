/**
 * What ends a job from outside: its deadline, and logs that outgrow their limit. Guards are timers; they hold no job up. A log is
 * trimmed while its writer goes on: the middle is given back to the file system as a hole, so the writer and every reader keep their
 * offsets; what is omitted stands in `omitted.json`.
 */
import { statSync } from 'node:fs';
import { replaceFile } from '@kanade/durable/files';
import { isTerminal } from '@kanade/shared/job-words';
import type { JobView } from '../life/settle.ts';
import { type StopOutcome, stopJob } from '../life/stop.ts';
import { runSink } from '../process/spawn.ts';
import { pretty, replaceFileIfRoom } from '../record/files.ts';
import {
  type JobDir,
  type LogStream,
  limits,
  logStreams,
  type MetaFile,
  type OmittedRanges,
  pathOf,
  readOmitted,
} from '../record/layout.ts';

export interface GuardedJob {
  readonly job: JobDir;
  readonly meta: MetaFile;
  /** Fires when the host closes: a stop that is under way is then left to the next host. */
  readonly signal: AbortSignal;
  readonly onTimedOut: (outcome: StopOutcome) => void;
  readonly onTrouble: (during: 'timeout' | 'log-limit', error: unknown) => void;
}

export interface Guard {
  /** No more looks. Resolves when what a guard had begun is done. */
  close(): Promise<void>;
}

/** The longest delay that a timer takes, in ms; longer ones are waited for in pieces. */
const timerMs = 2_147_483_647;

/** Bytes per ms that no job exceeds (2 GiB/s): how soon the next look at its logs has to be. */
const logBytesPerMs = 2 ** 21;

/** Bounds of the time between two looks at the logs of a job, in ms; the first one while they grow, the second while they do not. */
const [growingMsMin, measureMsMin, measureMsMax] = [20, 100, 10_000];

/** Looks that are due within so many ms may be made together. */
const togetherMs = 1_000;

/** Stops the job at its deadline. `ageMs` is how long it has been running; from then on a clock counts that nobody sets. */
export function guardDeadline({
  job,
  meta,
  ageMs,
  signal,
  onTimedOut,
  onTrouble,
}: GuardedJob & { readonly ageMs: number }): Guard {
  const dueMs = performance.now() + meta.timeout_ms - ageMs;
  return guard({
    leftMs: () => dueMs - performance.now(),
    act: async () => {
      const outcome = await stopJob(job, { by: 'timeout', graceMs: meta.kill_after_ms, abort: signal });
      // One that had ended before, and is met again after its deadline, has not timed out.
      if (outcome.view.state?.ending?.kind === 'timed_out') onTimedOut(outcome);
      return 'done';
    },
    onError: (error) => signal.aborted || onTrouble('timeout', error),
  });
}

/** Trims the logs of a job that outgrow their limit, or stops the job: as its definition says, and as the system can. */
export function guardLogs({ job, meta, signal, onTrouble }: GuardedJob): Guard {
  const bytesMax = meta.log_bytes_max ?? limits.logBytes;
  const trims = meta.log_overflow !== 'stop';
  const sizeOf = (stream: LogStream): number => {
    const path = pathOf(job, stream);
    return trims ? bytesOnDisk(path) : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
  };
  let seenBytes = 0;
  return guard({
    leftMs: () => {
      const bytes = sizeOf('stdout') + sizeOf('stderr');
      const shortestMs = bytes === seenBytes ? measureMsMin : growingMsMin;
      seenBytes = bytes;
      if (bytes > bytesMax) return 0;
      return together(Math.min(measureMsMax, Math.max(shortestMs, (bytesMax - bytes) / logBytesPerMs)));
    },
    act: async () => {
      if (trims && (await trimLogs(job, bytesMax))) return 'again';
      await stopJob(job, { by: 'shutdown', graceMs: meta.kill_after_ms, logLimit: bytesMax, abort: signal });
      return 'done';
    },
    onError: (error) => signal.aborted || onTrouble('log-limit', error),
  });
}

/** Looks that are far off are made in one go with those at other jobs: up to a second sooner. */
const together = (delayMs: number): number =>
  delayMs < 2 * togetherMs ? delayMs : delayMs - ((performance.now() + delayMs) % togetherMs);

/** Trims the logs of a job that has ended once more: what it printed after the last look may be gigabytes. */
export async function trimEnded(view: JobView, bytesMax: number): Promise<JobView> {
  const { job, state } = view;
  const isOver = logStreams.reduce((sum, stream) => sum + bytesOnDisk(pathOf(job, stream)), 0) > bytesMax;
  if (!state || !isTerminal(view.status) || !isOver || !(await trimLogs(job, bytesMax))) return view;
  const trimmed = { ...state, log_omitted: readOmitted(job) };
  replaceFileIfRoom(pathOf(job, 'state'), pretty(trimmed));
  return { ...view, state: trimmed };
}

/**
 * Brings both logs of a job below `bytesMax` together: of a stream with more than half of that, the first eighth and the
 * last quarter of `bytesMax` stay. False where that cannot be done.
 */
async function trimLogs(job: JobDir, bytesMax: number): Promise<boolean> {
  for (const stream of logStreams) {
    const path = pathOf(job, stream);
    if (bytesOnDisk(path) * 2 <= bytesMax) continue;
    const known = readOmitted(job);
    const isTrimmed = await trimLog(path, {
      bytesMax: (bytesMax * 3) / 8,
      from: known?.[stream]?.[0],
      onOmitted: (from, to) => {
        const omitted: OmittedRanges = { ...known, [stream]: [from, to] };
        replaceFile(pathOf(job, 'omitted'), pretty(omitted));
      },
    });
    if (!isTrimmed) return false;
  }
  return true;
}

interface GuardSpec {
  /** When to look again; 0 or less: act now. */
  readonly leftMs: () => number;
  readonly act: () => Promise<'again' | 'done'>;
  readonly onError: (error: unknown) => unknown;
}

function guard({ leftMs, act, onError }: GuardSpec): Guard {
  let timer: NodeJS.Timeout | undefined;
  let acting: Promise<void> = Promise.resolve();
  let isClosed = false;
  const look = async (): Promise<void> => {
    try {
      const delayMs = leftMs();
      if (delayMs <= 0 && (await act()) === 'done') return;
      if (!isClosed) timer = setTimeout(start, Math.min(Math.max(delayMs, 0), timerMs));
    } catch (error) {
      onError(error);
    }
  };
  const start = (): void => {
    acting = look();
  };
  start();
  return {
    close() {
      isClosed = true;
      clearTimeout(timer);
      return acting;
    },
  };
}

/** Holes are whole pages of the file system, in bytes. */
const pageBytes = 4096;

/** Where util-linux has its programs, and how long one hole may take, in ms. */
const [programDirs, punchMs] = ['/usr/sbin:/usr/bin:/sbin:/bin', 60_000];

/** Bytes of a log that lie on the disk. */
function bytesOnDisk(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? Math.min(stat.size, stat.blocks * 512) : 0;
}

interface TrimOptions {
  /** Bytes of the log that stay: a third of them from its beginning. */
  readonly bytesMax: number;
  /** Where an earlier hole of this log begins. */
  readonly from: number | undefined;
  /** Told before it is done which bytes `[from, to)` go: nobody is to take a hole for output. */
  readonly onOmitted: (from: number, to: number) => void;
}

/** Brings a log below `bytesMax`. False where that cannot be done: a small limit, or a system without holes. */
async function trimLog(path: string, { bytesMax, from: known, onOmitted }: TrimOptions): Promise<boolean> {
  const from = Math.min(known ?? Number.POSITIVE_INFINITY, Math.ceil(bytesMax / 3 / pageBytes) * pageBytes);
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
