/**
 * JobReading what a job has printed and what became of it from a {@link Position} on: whoever comes back with the position, in whatever
 * process, loses and repeats nothing. A restart is noticed by the time at which the run began: its logs are new files.
 */
import { existsSync } from 'node:fs';
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
import { readBytesFrom, readTail } from '../output/excerpt.ts';
import { isClaimed } from '../record/files.ts';
import { type JobDir, type LogStream, logStreams, pathOf, readOmitted, readState } from '../record/layout.ts';
import { type JobView, settle } from './settle.ts';

export interface ReadOptions {
  /** From where on: `cursor` of an earlier reading. Default: the beginning, or as `tailLines` says. */
  readonly cursor?: string | undefined;
  /** Without a cursor: only the last so many lines within the last `bytesMax` bytes; 0 = all within these. */
  readonly tailLines?: number | undefined;
  /** Bytes of each stream in one reading; at least 4, at most 256 MiB. */
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
  return readFromPosition(job, { given, tailLines, bytesMax: Math.max(bytesMax, characterBytesMax) });
}

interface Start extends Pick<ReadOptions, 'tailLines' | 'bytesMax'> {
  readonly given: Position | undefined;
}

/** How often a restart in the middle of a reading is met with another one. */
const triesMax = 5;

function readFromPosition(job: JobDir, start: Start): JobReading {
  for (let tries = 1; ; tries++) {
    const view = settle(job);
    const life = lifeOf(job);
    const reading = readAsOf(job, view, { ...start, life });
    // What was read is of the run that the state names only if it still names it: a restart says so before anything is printed.
    if (lifeOf(job) === life || tries === triesMax) return reading;
  }
}

/** When the run of the state on disk began; undefined when it has not begun, or cannot be read. */
function lifeOf(job: JobDir): number | undefined {
  const state = readState(job);
  const startedAtMs = state?.started_at_ms ?? Date.parse(state?.job.started_at ?? '');
  return Number.isNaN(startedAtMs) ? undefined : Math.trunc(startedAtMs);
}

interface AsOf extends Start {
  readonly life: number | undefined;
}

function readAsOf(job: JobDir, view: JobView, { given, tailLines, bytesMax, life }: AsOf): JobReading {
  if (view.status === 'unknown' && !existsSync(pathOf(job, 'meta')))
    throw new JobError('job_not_found', `job ${job.id} was deleted`);
  const { status, state } = view;
  const isRestarted = given !== undefined && given.life !== 0 && life !== undefined && given.life !== life;
  const from = given && !isRestarted ? given : beginning;
  // Nothing of a job that is only defined was printed; what lies there is of a run that is being replaced.
  const hasBegun = status !== 'created';
  const isOver = isTerminal(status) && state?.logs_drained !== false;
  const parts = logStreams.map((stream) => {
    if (!hasBegun) return unread(from[stream]);
    const isFresh = given === undefined && tailLines !== undefined;
    const begin = isFresh ? tailBegin(job, stream, bytesMax, tailLines) : from[stream];
    return readPart(job, stream, { begin, bytesMax, isOver });
  });
  const [stdout, stderr] = parts as [Part, Part];
  const more = stdout.more || stderr.more;
  const changes = changesOf(view, { life, isTold: isOver && !more }).filter(({ number }) => number > from.changes);
  const position: Position = {
    life: life ?? from.life,
    stdout: stdout.part.range[1],
    stderr: stderr.part.range[1],
    changes: changes.at(-1)?.number ?? from.changes,
  };
  const isShortened = stdout.isShortened || stderr.isShortened;
  return {
    view,
    stdout: stdout.part,
    stderr: stderr.part,
    changes,
    noticed: isRestarted ? 'restarted' : isShortened ? 'shortened' : undefined,
    more,
    ended: isOver && !more,
    cursor: formatCursor(job, position),
  };
}

function changesOf({ state }: JobView, { life, isTold }: { life: number | undefined; isTold: boolean }): JobChange[] {
  return [
    ...(life === undefined ? [] : [{ number: 1, kind: 'started', atMs: life } as const]),
    ...(isTold ? [{ number: 2, kind: 'ended', at: state?.finished_at ?? state?.updated_at ?? '' } as const] : []),
  ];
}

interface Part {
  readonly part: ReadPart;
  readonly more: boolean;
  readonly isShortened: boolean;
}

const unread = (at: number): Part => ({
  part: { text: '', range: [at, at], totalBytes: 0 },
  more: false,
  isShortened: false,
});

/** Where the last lines begin; behind what is not kept. */
function tailBegin(job: JobDir, stream: LogStream, bytesMax: number, lines: number): number {
  const [begin] = readTail(pathOf(job, stream), bytesMax, lines).range;
  return Math.max(begin, readOmitted(job)?.[stream]?.[1] ?? 0);
}

interface PartOptions {
  readonly begin: number;
  readonly bytesMax: number;
  /** Nothing more is printed: a character that is cut at the end stays cut. */
  readonly isOver: boolean;
}

function readPart(job: JobDir, stream: LogStream, { begin, bytesMax, isOver }: PartOptions): Part {
  const path = pathOf(job, stream);
  let at = begin;
  let { bytes, totalBytes } = readBytesFrom(path, at, bytesMax);
  // Asked after the bytes were read: it is said before a hole is made that output is missing.
  let gap = readOmitted(job)?.[stream] ?? [0, 0];
  while (at >= gap[0] && at < gap[1]) {
    at = gap[1];
    ({ bytes, totalBytes } = readBytesFrom(path, at, bytesMax));
    gap = readOmitted(job)?.[stream] ?? [0, 0];
  }
  // The logs are away for a moment while a restart makes new ones.
  if (totalBytes < at && isClaimed(job, 'restart')) return unread(begin);
  const isShortened = totalBytes < at;
  at = Math.min(at, totalBytes);
  const kept = at < gap[0] ? bytes.subarray(0, gap[0] - at) : bytes;
  const isCutForGood = (isOver && at + kept.length === totalBytes) || at + kept.length === gap[0];
  const cut = isCutForGood ? 0 : cutCharacterBytes(kept);
  const whole = kept.subarray(0, kept.length - cut);
  const part: ReadPart = {
    text: whole.toString('utf8'),
    range: [at, at + whole.length],
    totalBytes,
    ...(at > begin ? { omitted: [begin, at] as const } : {}),
  };
  return { part, more: at + kept.length < totalBytes, isShortened };
}
