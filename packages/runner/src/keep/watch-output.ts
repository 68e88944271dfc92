/**
 * Copies the lines of a running job into its combined log, and tells its match sinks about them while it runs, and about
 * the rest when it has ended. How far output was read for the sinks stands in `followed.json`, so that the next keeper goes on from there instead of telling everything twice.
 */
import { type FSWatcher, statSync } from 'node:fs';
import { replaceFile } from '@kanade/durable/files';
import { errnoOf, JobError } from '../job-error.ts';
import type { Poll } from '../life/rounds.ts';
import { lineLogOf } from '../life/settle.ts';
import { followLines } from '../output/excerpt.ts';
import { createLineLog, type LineLog } from '../output/line-log.ts';
import { createLineTest, type LineMatch, type LineTest } from '../output/match.ts';
import { isWatchable, watchPath } from '../record/files.ts';
import {
  type JobDir,
  jobFiles,
  type LogStream,
  limits,
  logStreams,
  pathOf,
  readMeta,
  readOmitted,
  readSmallFile,
} from '../record/layout.ts';
import { notifyMatch } from './sinks.ts';

type Offsets = Record<LogStream, number>;

export interface OutputWatch {
  /**
   * Reads what is left, the unfinished last lines too, and waits until every sink has been told. `atMs` is when the job ended;
   * undefined when that is not known, or when the combined log is complete.
   */
  finish(atMs: number | undefined): Promise<void>;
  /** Stops watching; what was not told yet is told by the next keeper. Resolves when the sink that is being told has been told. */
  close(): Promise<unknown>;
}

/** Marks where following begins for a job that got its match while it was running: what it has printed is not told. */
export function followFromNow(job: JobDir): void {
  if (readOffsets(job)) return;
  writeOffsets(job, { stdout: sizeOf(job, 'stdout'), stderr: sizeOf(job, 'stderr') });
}

const sizeOf = (job: JobDir, stream: LogStream): number =>
  statSync(pathOf(job, stream), { throwIfNoEntry: false })?.size ?? 0;

/** How long output may lie unread while more is printed, in ms. */
const outputPauseMs = 10;

/** Bytes of each stream that one look copies into the combined log: more waits for the next look, and nobody for us. */
const copiedBytesMax = 256 * 1024;

export interface OutputWatchOptions {
  readonly poll: Poll;
  /** The job as its sinks know it; what is read and written stands in the other. */
  readonly named: JobDir;
  /** Whether the combined log is ours to write: a job of the ancestor has a supervisor that does it. */
  readonly copies: boolean;
}

/** Starts watching; a job that prints nothing costs two looks at file sizes for each turn of the poll, and nothing more. */
export function watchOutput(job: JobDir, { poll, copies, named }: OutputWatchOptions): OutputWatch {
  const sinks = createSinkWork(job, named);
  const combined = copies ? createJobLog(job) : undefined;
  let isBehind = false;
  const onStir = (): void => {
    isBehind = combined?.look({ atMs: Date.now(), last: false, bytesMax: copiedBytesMax }) === 'behind';
    sinks.look(false);
  };
  const stirring = watchStirring(job, { poll, onStir: () => unlessRefused(onStir), isBehind: () => isBehind });
  return {
    close() {
      stirring();
      return sinks.idle();
    },
    async finish(atMs) {
      stirring();
      if (combined && atMs !== undefined) await complete(combined, atMs);
      await sinks.finish();
    },
  };
}

/** The combined log of a job, for who copies it while the job runs. */
export function createJobLog(job: JobDir): LineLog {
  const logs = { stdout: pathOf(job, 'stdout'), stderr: pathOf(job, 'stderr') };
  return createLineLog(logs, () => lineLogOf({ job, meta: readMeta(job), omitted: readOmitted(job) }));
}

/** Copies what settling has left, piece by piece: the other jobs are not to wait for it. */
async function complete(log: LineLog, atMs: number): Promise<void> {
  const copied = (): boolean => {
    let outcome: ReturnType<LineLog['look']> = 'done';
    unlessRefused(() => {
      outcome = log.look({ atMs, last: true, bytesMax: copiedBytesMax });
    });
    return outcome === 'done';
  };
  while (!copied()) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** A disk that takes nothing now, or a definition that cannot be read: the end of the job meets the same. */
function unlessRefused(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
  }
}

interface StirringOptions {
  readonly poll: Poll;
  readonly onStir: () => void;
  /** There is work left over from the last time. */
  readonly isBehind: () => boolean;
}

/**
 * Calls `onStir` when a job has printed, or its definition was changed: at once, but for the first {@link outputPauseMs}, and from then
 * on every so many ms while it goes on printing. Nothing is watched meanwhile: a job that prints without a pause would wake us for each line. Call the answer to end it.
 */
function watchStirring(job: JobDir, { poll, onStir, isBehind }: StirringOptions): () => void {
  const names: readonly (string | null)[] = [null, jobFiles.stdout, jobFiles.stderr, jobFiles.meta];
  let watcher: FSWatcher | undefined;
  let isTold: boolean | undefined;
  let pause: NodeJS.Timeout | undefined;
  let seen = '';
  const stamp = (): string => {
    const meta = statSync(pathOf(job, 'meta'), { throwIfNoEntry: false });
    return `${sizeOf(job, 'stdout')} ${sizeOf(job, 'stderr')} ${meta?.mtimeMs} ${meta?.ino}`;
  };
  const look = (): void => {
    const now = stamp();
    if (now === seen && !isBehind()) return;
    seen = now;
    watcher?.close();
    watcher = undefined;
    onStir();
    clearTimeout(pause);
    pause = setTimeout(again, outputPauseMs);
  };
  const again = (): void => {
    watcher ??= watchPath(job.path, (name) => names.includes(name) && look());
    look();
    // A fresh watch is doubted once, see `observe.ts`.
    if (watcher) pause = setTimeout(look, outputPauseMs);
  };
  const endPoll = poll(look, () => {
    isTold ??= isWatchable(job.path);
    return isTold && watcher !== undefined;
  });
  // Most jobs end before, and what they print is read at their end.
  pause = setTimeout(again, outputPauseMs);
  return () => {
    watcher?.close();
    endPoll();
    clearTimeout(pause);
  };
}

interface SinkWork {
  /** Tells of complete lines, where there is a match. */
  look(last: boolean): void;
  /** Tells of the rest; rejects with what was in the way. */
  finish(): Promise<void>;
  /** Settles when nothing is being told. */
  idle(): Promise<void>;
}

function createSinkWork(job: JobDir, named: JobDir): SinkWork {
  let followers: ReturnType<typeof openFollowers> | undefined;
  let work = Promise.resolve();
  const matches = createMatching();
  const tell = async (last: boolean): Promise<void> => {
    // Opened with the first match that there is: a match that came later begins where its setter says.
    followers ??= openFollowers(job);
    let told = 0;
    for (const { stream, lines } of followers) {
      for (const line of lines.read(last)) {
        const config = readMeta(job)?.notification?.on_output_match;
        if (!config || !(await matches(config, stream, line))) continue;
        await notifyMatch(job, { named, stream, line });
        told++;
      }
    }
    if (told > 0 || last)
      writeOffsets(job, { stdout: followers[0]?.lines.offset ?? 0, stderr: followers[1]?.lines.offset ?? 0 });
  };
  const look = (last: boolean): void => {
    if (readMeta(job)?.notification?.on_output_match) work = work.then(() => tell(last));
  };
  return {
    look(last) {
      look(last);
      work.catch(() => undefined); // finish() meets the same error
    },
    finish() {
      look(true);
      return work;
    },
    idle: () => work,
  };
}

/** By the match that a definition has just then. An expression that is none never matches (contract, section 6.1). */
function createMatching(): (config: LineMatch, stream: LogStream, line: string) => ReturnType<LineTest['matches']> {
  let known: { readonly config: LineMatch; readonly test: LineTest | undefined } | undefined;
  return (config, stream, line) => {
    const isKnown =
      known?.config.pattern === config.pattern &&
      known.config.match_type === config.match_type &&
      known.config.stream === config.stream;
    if (!known || !isKnown) known = { config, test: testOrNone(config) };
    return known.test?.matches(stream, line) ?? false;
  };
}

function testOrNone(config: LineMatch): LineTest | undefined {
  try {
    return createLineTest(config);
  } catch (error) {
    if (error instanceof JobError) return undefined;
    throw error;
  }
}

function openFollowers(job: JobDir) {
  const from = readOffsets(job) ?? { stdout: 0, stderr: 0 };
  return logStreams.map((stream) => ({
    stream,
    lines: followLines(pathOf(job, stream), from[stream], limits.matchLineBytes),
  }));
}

function readOffsets(job: JobDir): Offsets | undefined {
  const text = readSmallFile(pathOf(job, 'followed'));
  if (text === undefined) return undefined;
  try {
    const { stdout, stderr } = JSON.parse(text) as Partial<Offsets>;
    return typeof stdout === 'number' && typeof stderr === 'number' ? { stdout, stderr } : undefined;
  } catch {
    return undefined;
  }
}

const writeOffsets = (job: JobDir, offsets: Offsets): void =>
  replaceFile(pathOf(job, 'followed'), JSON.stringify(offsets));
