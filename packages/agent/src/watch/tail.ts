/**
 * Answers who watches a run: what it has printed from an offset on, and how it stands. An answer is held back until there is something
 * new, so nobody polls; while nobody asks nothing is watched.
 */
import { existsSync, type FSWatcher, watch } from 'node:fs';
import type { Jobs } from '@kanade/runner';
import { type JobTailReply, JobTailRequest, jobTailRequestDefaults, readAs, withDefaults } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import { type ReadFrom, readChunk } from '../report/read-chunk.ts';
import type { ReadOutput, Run } from '../run/model.ts';
import type { Registry } from '../run/supervise.ts';
import type { FindRun, KnownRun, RunNames } from '../store/find-run.ts';
import { type AnswerQuestion, createHeld, readQuestion } from './question.ts';

export interface TailOptions {
  readonly findRun: FindRun;
  readonly registry: Pick<Registry, 'all' | 'watch'>;
  readonly jobs: Pick<Jobs, 'at' | 'read'>;
  readonly log: Logger;
  /** Fires when the agent ends: whoever waits is answered. */
  readonly signal: AbortSignal;
}

/** A run as it stands when it is looked at. */
interface Seen {
  readonly runId: string;
  readonly state: NonNullable<JobTailReply['state']>;
  /** How many attempts came before this one. */
  readonly attempt: number;
  /** Its directory and its output, where the machine keeps them. */
  readonly output: { readonly dir: string; readonly read: ReadOutput } | undefined;
  readonly end: KnownRun | undefined;
}

/** Answers a question on `job.tail.<pc_id>`. */
export function createTail(options: TailOptions): AnswerQuestion {
  const held = createHeld(options.signal);
  return async (data, answerBytesMax) => {
    const question = readQuestion(data, (value) => readAs(JobTailRequest, value));
    if (!question.ok) return { body: JSON.stringify({ found: false, error: question.error } satisfies JobTailReply) };
    const asked = withDefaults(question.value, jobTailRequestDefaults);
    // A control character takes six bytes in JSON.
    const bytesMax = Math.min(limits.tailBytesMax, Math.floor(answerBytesMax / 2 / 6));
    const look = (): JobTailReply => replyOf(lookFor(options, idsOf(asked)), asked, bytesMax);
    const first = look();
    if (asked.wait_ms === 0 || isNews(first, first)) return { body: JSON.stringify(first) };
    using news = watchRun(options, asked);
    const reply = await held(asked.wait_ms, news.next, () => {
      const next = look();
      return isNews(next, first) ? next : undefined;
    });
    return { body: JSON.stringify(reply ?? look()) };
  };
}

const idsOf = (asked: JobTailRequest): RunNames => ({
  runId: asked.result_id,
  requestId: asked.request_id,
  execId: asked.exec_id,
});

/** What ends a run goes by its own id alone. */
const isNamed = ({ runId, requestId, execId, parentId }: Run, ids: RunNames): boolean =>
  runId === ids.runId ||
  (parentId === undefined && (requestId === ids.requestId || (execId !== null && execId === ids.execId)));

function lookFor({ registry, findRun, jobs }: Omit<TailOptions, 'log' | 'signal'>, ids: RunNames): Seen | undefined {
  const live = registry.all().findLast(({ run }) => isNamed(run, ids));
  if (live) {
    const { run, running } = live;
    const output = running && { dir: running.job.path, read: running.read };
    const attempt = running?.attempt ?? 0;
    return { runId: run.runId, state: running ? 'running' : 'waiting', attempt, output, end: undefined };
  }
  const known = findRun(ids);
  if (!known) return undefined;
  const job = known.jobId === undefined ? undefined : jobs.at(known.jobId);
  const read: ReadOutput = (stream, from, bytesMax) =>
    jobs.read(job as NonNullable<typeof job>, stream, { from, bytesMax });
  return {
    runId: known.runId,
    state: known.isEnded ? 'ended' : 'running',
    attempt: known.retries,
    output: job && existsSync(job.path) ? { dir: job.path, read } : undefined,
    end: known.isEnded ? known : undefined,
  };
}

function replyOf(seen: Seen | undefined, asked: JobTailRequest, bytesMax: number): JobTailReply {
  if (!seen) return { found: false };
  const { runId, state, attempt, output, end } = seen;
  // Each attempt prints into files of its own.
  const isOther = asked.attempt !== undefined && asked.attempt !== attempt;
  const isEnded = state === 'ended';
  const part = (stream: 'stdout' | 'stderr', from: number | undefined): Part =>
    output
      ? partOf((at, bytes) => output.read(stream, at, bytes), { from, bytesMax, isEnded })
      : { text: '', from: from ?? 0, to: from ?? 0, isLast: true };
  const fromOf = (known: number | undefined): number | undefined => (isOther && known !== undefined ? 0 : known);
  const stdout = part('stdout', fromOf(asked.stdout_from));
  const stderr = part('stderr', fromOf(asked.stderr_from));
  return {
    found: true,
    running: !isEnded,
    result_id: runId,
    state,
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_truncated: asked.stdout_from === undefined && stdout.from > 0,
    stderr_truncated: asked.stderr_from === undefined && stderr.from > 0,
    stdout_from: stdout.from,
    stdout_to: stdout.to,
    stderr_from: stderr.from,
    stderr_to: stderr.to,
    ...(attempt > 0 ? { attempt } : {}),
    more: !(stdout.isLast && stderr.isLast),
    ...(isEnded ? { kept: output !== undefined } : {}),
    ...(end?.status === undefined ? {} : { status: end.status }),
    ...(end?.exitCode === undefined ? {} : { exit_code: end.exitCode }),
    ...(end?.endedAtMs === undefined ? {} : { finished_at: new Date(end.endedAtMs).toISOString() }),
  };
}

interface Part {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** Nothing more can be read now. */
  readonly isLast: boolean;
}

interface PartRequest {
  /** Undefined: what fits of the end. */
  readonly from: number | undefined;
  readonly bytesMax: number;
  /** Nothing comes any more: what is left is no beginning of a character. */
  readonly isEnded: boolean;
}

/** A part of the output of one stream. */
export function partOf(read: ReadFrom, { from, bytesMax, isEnded }: PartRequest): Part {
  const { totalBytes } = read(Number.MAX_SAFE_INTEGER, 0);
  // Who has more than there is has seen another file.
  const begin = from === undefined ? beginOfEnd(read, totalBytes, bytesMax) : Math.min(from, totalBytes);
  const part = readChunk(read, begin, bytesMax);
  const left = part.totalBytes - part.end;
  if (isEnded && left > 0 && left < 4 && part.end - begin + left <= bytesMax + 3) {
    const rest = read(part.end, left);
    return { text: part.text + rest.text, from: begin, to: rest.range[1], isLast: true };
  }
  return { text: part.text, from: begin, to: part.end, isLast: left < 4 };
}

/** Where the last `bytesMax` bytes begin, behind a character that they would cut. */
function beginOfEnd(read: ReadFrom, totalBytes: number, bytesMax: number): number {
  const begin = Math.max(0, totalBytes - bytesMax);
  if (begin === 0) return 0;
  const whole = [0, 1, 2, 3].find((skipped) => !read(begin + skipped, 4).text.startsWith('\ufffd'));
  return begin + (whole ?? 0);
}

/** Whether there is something to tell to who knows what was told `before`. */
const isNews = (now: JobTailReply, before: JobTailReply): boolean =>
  now.state === 'ended' ||
  Boolean(now.stdout || now.stderr) ||
  now.found !== before.found ||
  now.state !== before.state ||
  now.attempt !== before.attempt ||
  now.result_id !== before.result_id;

/** Tells when a run, or what it has printed, may have changed. */
function watchRun(options: TailOptions, asked: JobTailRequest) {
  const { registry, log } = options;
  const ids = idsOf(asked);
  let woken = Promise.withResolvers<void>();
  const wake = (): void => woken.resolve();
  let watcher: FSWatcher | undefined;
  const unwatch = registry.watch(({ live }) => {
    if (isNamed(live.run, ids)) wake();
  });
  return {
    /** Resolves when it is time to look, after `waitMs` at the latest. */
    async next(waitMs: number): Promise<void> {
      const dir = watcher ? undefined : lookFor(options, ids)?.output?.dir;
      if (dir !== undefined) {
        try {
          watcher = watch(dir, wake).on('error', (error) => log.debug({ err: error }, 'output cannot be watched'));
          return; // what came before this watch is looked for now
        } catch (error) {
          log.debug({ err: error }, 'output cannot be watched; it is looked at on a timer');
        }
      }
      const timer = setTimeout(wake, Math.min(waitMs, limits.tailLookMs));
      await woken.promise;
      clearTimeout(timer);
      woken = Promise.withResolvers();
    },
    [Symbol.dispose](): void {
      unwatch();
      watcher?.close();
    },
  };
}
