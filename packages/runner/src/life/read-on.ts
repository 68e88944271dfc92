/**
 * JobReading what a job has printed and what became of it from a {@link Position} on: whoever comes back with the position, in whatever
 * process, loses and repeats nothing. A restart is noticed by the time at which the run began: its logs are new files.
 */
import { existsSync, statSync } from 'node:fs';
import { isTerminal } from '@kanade/shared/job-words';
import { JobError } from '../job-error.ts';
import {
  beginning,
  characterBytesMax,
  cutCharacterBytes,
  formatCursor,
  type Position,
  parseCursor,
} from '../output/cursor.ts';
import { readBytesFrom, readTailBytes } from '../output/excerpt.ts';
import { isClaimed } from '../record/files.ts';
import { type JobDir, type LogStream, pathOf, readOmitted } from '../record/layout.ts';
import { type JobView, settle } from './settle.ts';

export interface ReadOptions {
  /** From where on: `cursor` of an earlier reading. Default: the beginning, or as `tailLines` says. */
  readonly cursor?: string | undefined;
  /** Without a cursor: only the last so many lines within the last `bytesMax` bytes; 0 = all within these. */
  readonly tailLines?: number | undefined;
  /** Bytes of each stream in one reading; at least 4 but for the last lines, at most 256 MiB. */
  readonly bytesMax: number;
}

/** What a stream has to add. `text` is lossy UTF-8 of the bytes `[begin, end)`, and no character is cut at its end unless it stays so. */
export interface ReadPart {
  readonly text: string;
  readonly range: readonly [begin: number, end: number];
  readonly totalBytes: number;
  /** Bytes `[from, to)` before the text that are not kept. */
  readonly omitted?: readonly [from: number, to: number];
}

/** A state change of a run, told once to each reader; its number counts within the run. */
export type JobChange =
  | { readonly number: 1; readonly kind: 'started'; readonly atMs: number }
  /** Comes with the last of the output. */
  | { readonly number: 2; readonly kind: 'ended'; readonly at: string };

export interface JobReading {
  /** Where the job stands. */
  readonly view: JobView;
  readonly stdout: ReadPart;
  readonly stderr: ReadPart;
  readonly changes: readonly JobChange[];
  /** `restarted`: the job runs anew, and this is the beginning of that. `shortened`: its logs lost bytes that had been read. */
  readonly noticed: 'restarted' | 'shortened' | undefined;
  /** There is more to read right now. */
  readonly more: boolean;
  /** The job has ended, and with this all was told. */
  readonly ended: boolean;
  /** Where the next reading goes on. */
  readonly cursor: string;
}

/** Throws `invalid_cursor`, `job_not_found` for a job that was deleted, `io_error`. */
export function readOn(job: JobDir, { cursor, tailLines, bytesMax }: ReadOptions): JobReading {
  const given = cursor === undefined ? undefined : parseCursor(job, cursor);
  // Who reads on has to get on.
  const least = given === undefined && tailLines !== undefined ? 0 : characterBytesMax;
  return asText(job, readRaw(job, { given, tailLines, bytesMax: Math.max(bytesMax, least) }));
}

/** The beginnings of both logs, and the cursor behind them. */
export type HeadReading = Pick<JobReading, 'stdout' | 'stderr' | 'cursor'>;

/**
 * What the first answer about a run tells, whose caller knows how the job stands. A character that `bytesMax` cuts is shown as U+FFFD, and comes
 * whole to who reads on.
 */
export const readHead = (job: JobDir, view: JobView, bytesMax: number): HeadReading =>
  asText(job, readAsOf(job, view, { given: beginning, bytesMax, showsCut: true }));

/** The cursor of a reader who has everything before these bytes, and knows how the job stands. */
export const cursorAt = (job: JobDir, at: Pick<Position, 'stdout' | 'stderr'>): string =>
  formatCursor(job, { ...at, life: lastingLifeOf(settle(job)) ?? 0, changes: 2 });

/** A reading before it is text. */
export interface RawReading extends Pick<JobReading, 'view' | 'changes' | 'noticed' | 'more' | 'ended'> {
  readonly stdout: RawPart;
  readonly stderr: RawPart;
  readonly position: Position;
}

export interface RawPart {
  readonly bytes: Buffer;
  readonly range: readonly [begin: number, end: number];
  readonly totalBytes: number;
  readonly omitted?: readonly [from: number, to: number];
  /** Where who reads on begins: behind it, but for a character that is cut. */
  readonly next: number;
  /** What stands at its end is never gone on with: all was printed, or what follows is not kept. */
  readonly isLast: boolean;
  readonly more: boolean;
  readonly isShortened: boolean;
}

export const asText = (job: JobDir, { position, stdout, stderr, ...reading }: RawReading): JobReading => ({
  ...reading,
  stdout: textPart(stdout),
  stderr: textPart(stderr),
  cursor: formatCursor(job, position),
});

const textPart = ({ bytes, range, totalBytes, omitted }: RawPart): ReadPart => ({
  text: bytes.toString('utf8'),
  range,
  totalBytes,
  ...(omitted ? { omitted } : {}),
});

export interface Start extends Pick<ReadOptions, 'tailLines' | 'bytesMax'> {
  readonly given: Position | undefined;
  /** A character that is cut stands at the end, too. */
  readonly showsCut?: boolean;
}

/** How often a restart in the middle of a reading is met with another one. */
const triesMax = 5;

export function readRaw(job: JobDir, start: Start): RawReading {
  for (let tries = 1; ; tries++) {
    const before = stampOf(job);
    const reading = readAsOf(job, settle(job), start);
    // What was read is of the run that the state names only if it is still the same state: a restart writes a new one before anything is printed.
    if (stampOf(job) === before || tries === triesMax) return reading;
  }
}

function stampOf(job: JobDir): string {
  const stat = statSync(pathOf(job, 'state'), { throwIfNoEntry: false });
  return `${stat?.ino} ${stat?.mtimeMs} ${stat?.size}`;
}

/** When a run began, in ms since 1970; undefined when it has not begun, or nothing can be read of it. */
function lifeOf({ state }: JobView): number | undefined {
  const startedAtMs = state?.started_at_ms ?? Date.parse(state?.job.started_at ?? '');
  return Number.isNaN(startedAtMs) ? undefined : Math.trunc(startedAtMs);
}

/** The same as whoever comes later finds it, too. */
const lastingLifeOf = (view: JobView): number | undefined => (view.isStartOpen ? 0 : lifeOf(view));

function readAsOf(job: JobDir, view: JobView, { given, tailLines, bytesMax, showsCut }: Start): RawReading {
  const life = lifeOf(view);
  if (view.status === 'unknown' && !existsSync(pathOf(job, 'meta')))
    throw new JobError('job_not_found', `job ${job.id} was deleted`);
  const { status, state } = view;
  const isRestarted = given !== undefined && given.life !== 0 && life !== undefined && given.life !== life;
  const from = given && !isRestarted ? given : beginning;
  // Nothing of a job that is only defined was printed; what lies there is of a run that is being replaced.
  const hasBegun = status !== 'created';
  const isOver = isTerminal(status) && state?.logs_drained !== false;
  const ofTail = given === undefined ? tailLines : undefined;
  const partOf = (stream: LogStream): RawPart =>
    hasBegun
      ? readPart(job, stream, { begin: from[stream], tailLines: ofTail, bytesMax, isOver, showsCut })
      : unread(from[stream]);
  const [stdout, stderr] = [partOf('stdout'), partOf('stderr')];
  const more = stdout.more || stderr.more;
  const isShortened = stdout.isShortened || stderr.isShortened;
  const changes = changesOf(view, { life, isTold: isOver && !more }).filter(({ number }) => number > from.changes);
  return {
    view,
    stdout,
    stderr,
    changes,
    noticed: isRestarted ? 'restarted' : isShortened ? 'shortened' : undefined,
    more,
    ended: isOver && !more,
    position: {
      life: lastingLifeOf(view) ?? from.life,
      stdout: stdout.next,
      stderr: stderr.next,
      changes: changes.at(-1)?.number ?? from.changes,
    },
  };
}

function changesOf({ state }: JobView, { life, isTold }: { life: number | undefined; isTold: boolean }): JobChange[] {
  return [
    ...(life === undefined ? [] : [{ number: 1, kind: 'started', atMs: life } as const]),
    ...(isTold ? [{ number: 2, kind: 'ended', at: state?.finished_at ?? state?.updated_at ?? '' } as const] : []),
  ];
}

const unread = (at: number): RawPart => ({
  bytes: Buffer.alloc(0),
  range: [at, at],
  next: at,
  totalBytes: 0,
  isLast: false,
  more: false,
  isShortened: false,
});

interface PartOptions extends Pick<Start, 'tailLines' | 'bytesMax' | 'showsCut'> {
  /** Where the part begins, unless it is the last lines. */
  readonly begin: number;
  /** Nothing more is printed: a character that is cut at the end stays cut. */
  readonly isOver: boolean;
}

function readPart(job: JobDir, stream: LogStream, options: PartOptions): RawPart {
  const { begin, tailLines, bytesMax, isOver, showsCut = false } = options;
  const path = pathOf(job, stream);
  const read = (from: number) => ({ ...readBytesFrom(path, from, bytesMax), begin: from });
  let {
    bytes,
    totalBytes,
    begin: at,
  } = tailLines === undefined ? read(begin) : readTailBytes(path, bytesMax, tailLines);
  const wanted = at;
  // Asked after the bytes were read: it is said before a hole is made that output is missing.
  const gapNow = (): readonly [number, number] => readOmitted(job)?.[stream] ?? [0, 0];
  let gap = gapNow();
  // The last lines begin behind what is not kept; whoever reads on is told of it when they come to it.
  while (at < gap[1] && (at >= gap[0] || tailLines !== undefined)) {
    ({ bytes, totalBytes, begin: at } = read(gap[1]));
    gap = gapNow();
  }
  const isShortened = totalBytes < at;
  // The logs are away for a moment while a restart makes new ones.
  if (isShortened && isClaimed(job, 'restart')) return unread(wanted);
  at = Math.min(at, totalBytes);
  const kept = at < gap[0] ? bytes.subarray(0, gap[0] - at) : bytes;
  const end = at + kept.length;
  const isLast = (isOver && end === totalBytes) || end === gap[0];
  const next = isLast ? end : end - cutCharacterBytes(kept);
  const bytesShown = showsCut ? kept : kept.subarray(0, next - at);
  return {
    bytes: bytesShown,
    range: [at, at + bytesShown.length],
    next,
    totalBytes,
    ...(at > wanted ? { omitted: [Math.max(wanted, gap[0]), at] } : {}),
    isLast,
    more: end < totalBytes,
    isShortened,
  };
}
