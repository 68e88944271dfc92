/**
 * Answers who watches a run: what it has printed from an offset on, and how it stands. An answer is held back until there is something
 * new, so nobody polls; while nobody asks nothing is watched.
 */
import { type FSWatcher, watch } from 'node:fs';
import { type JobTailReply, JobTailRequest, jobTailRequestDefaults, readAs, withDefaults } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Registry } from '../run/supervise.ts';
import type { RunNames } from '../store/find-run.ts';
import { isNamed, type LookOptions, lookFor, type Seen } from './look.ts';
import { type Part, partOf } from './parts.ts';
import { type AnswerQuestion, createHeld, readQuestion } from './question.ts';

export interface TailOptions extends LookOptions {
  readonly registry: Pick<Registry, 'all' | 'watch'>;
  readonly log: Logger;
  /** Fires when the agent ends: whoever waits is answered. */
  readonly signal: AbortSignal;
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
