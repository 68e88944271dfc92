/**
 * Copies the lines of a running job into its combined log, and tells its match sinks about them while it runs, and about
 * the rest when it has ended. How far output was read for the sinks stands in `followed.json`, so that the next host goes on from there instead of telling everything twice.
 */
import { type FSWatcher, statSync } from 'node:fs';
import type { Poll } from '../life/observe.ts';
import { lineLogOf } from '../life/settle.ts';
import { followLines } from '../output/excerpt.ts';
import { copyLines, type LineLogFiles } from '../output/line-log.ts';
import { matchesLine } from '../output/match.ts';
import { replaceFile, watchPath } from '../record/files.ts';
import { type JobDir, type LogStream, limits, logStreams, pathOf } from '../record/layout.ts';
import { readMeta, readOmitted, readSmallFile } from '../record/records.ts';
import { notifyMatch } from './sinks.ts';

type Offsets = Record<LogStream, number>;

export interface OutputWatch {
  /** Reads what is left, the unfinished last lines too, and waits until every sink has been told. */
  finish(): Promise<void>;
  /** Stops watching; what was not told yet is told by the next host. */
  close(): void;
}

/** Marks where following begins for a job that got its match while it was running: what it has printed is not told. */
export function followFromNow(job: JobDir): void {
  if (readOffsets(job)) return;
  const sizeOf = (file: LogStream): number => statSync(pathOf(job, file), { throwIfNoEntry: false })?.size ?? 0;
  writeOffsets(job, { stdout: sizeOf('stdout'), stderr: sizeOf('stderr') });
}

/** How long output may lie unread while more is printed, in ms. */
const outputPauseMs = 50;

export interface OutputWatchOptions {
  readonly poll: Poll;
  /** Whether the combined log is ours to write: a job of the ancestor has a supervisor that does it. */
  readonly copies: boolean;
}

/** Starts watching; a job that prints nothing and has no match costs three looks at file times and sizes, and nothing more. */
export function watchOutput(job: JobDir, { poll, copies }: OutputWatchOptions): OutputWatch {
  let followers: ReturnType<typeof openFollowers> | undefined;
  let work = Promise.resolve();

  const look = (last: boolean): Promise<void> => {
    work = work.then(async () => {
      // Opened with the first match that there is: a match that came later begins where its setter says.
      followers ??= openFollowers(job);
      let told = 0;
      for (const { stream, lines } of followers) {
        for (const line of lines.read(last)) {
          const config = readMeta(job)?.notification?.on_output_match;
          if (!config || !matchesLine(config, stream, line)) continue;
          await notifyMatch(job, stream, line);
          told++;
        }
      }
      if (told > 0 || last)
        writeOffsets(job, { stdout: followers[0]?.lines.offset ?? 0, stderr: followers[1]?.lines.offset ?? 0 });
    });
    return work;
  };

  let metaSeenMs: number | undefined;
  let watcher: FSWatcher | undefined;
  let pause: NodeJS.Timeout | undefined;
  const onChange = (): void => {
    if (readMeta(job)?.notification?.on_output_match) look(false).catch(() => undefined); // finish() meets the same error
  };
  /** A job that prints without a pause wakes us so often that one look per pause is all it gets. */
  const onEvent = (): void => {
    pause ??= setTimeout(() => {
      pause = undefined;
      onChange();
    }, outputPauseMs);
  };
  const logs = { stdout: pathOf(job, 'stdout'), stderr: pathOf(job, 'stderr') };
  const files = (): LineLogFiles => lineLogOf({ job, meta: readMeta(job), omitted: readOmitted(job) });
  const combined = copies ? copyLines(logs, files) : undefined;
  /** Until there is a match nobody is told of output, and the definition alone is looked at. */
  const onPoll = (): void => {
    try {
      combined?.look();
    } catch {
      // a disk that takes nothing now: whoever settles the job completes the log
    }
    try {
      lookForMatch();
    } catch {
      // a definition that cannot be read now: finish() meets the same error
    }
  };
  const lookForMatch = (): void => {
    if (watcher) {
      onChange();
      return;
    }
    const changedMs = statSync(pathOf(job, 'meta'), { throwIfNoEntry: false })?.mtimeMs;
    if (changedMs === metaSeenMs) return;
    metaSeenMs = changedMs;
    if (!readMeta(job)?.notification?.on_output_match) return;
    watcher = watchPath(job.path, onEvent);
    if (!watcher) metaSeenMs = undefined; // the poll and the end of the job remain
    onChange();
  };
  const endPoll = poll(onPoll);
  onPoll();
  const close = (): void => {
    watcher?.close();
    endPoll();
    clearTimeout(pause);
  };
  return {
    close,
    async finish() {
      close();
      if (readMeta(job)?.notification?.on_output_match) await look(true);
    },
  };
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
