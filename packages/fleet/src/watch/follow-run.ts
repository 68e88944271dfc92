/** What one machine prints for a run, byte for byte, from an offset on: nothing is told twice, and what is missing is said. */
import { setTimeout as sleep } from 'node:timers/promises';
import { JobTailReply, jobTailReplyDefaults, readAs, tailSubject, withDefaults } from '@kanade/shared/fleet';
import type { Msg } from '@nats-io/transport-node';
import { FleetError } from '../fault/fleet-error.ts';
import { againMs, heldMs, type Questions } from './ask-machine.ts';

/** By what a run is known; the newest that one of them names is meant. */
export interface RunIds {
  readonly resultId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly execId?: string | undefined;
}

export type TailEvent =
  /** The bytes `[from, to)` of a stream, as text. */
  | {
      readonly type: 'output';
      readonly pc: string;
      readonly runId: string;
      readonly stream: 'stdout' | 'stderr';
      readonly from: number;
      readonly to: number;
      readonly text: string;
    }
  /** The bytes `[from, to)` of a stream are not told: they were not asked for, or the machine has them no more. */
  | {
      readonly type: 'left_out';
      readonly pc: string;
      readonly runId: string;
      readonly stream: 'stdout' | 'stderr';
      readonly from: number;
      readonly to: number;
    }
  /** It is tried again: what is told from here on is of another attempt, from its first byte on. `attempt`: how many came before. */
  | { readonly type: 'again'; readonly pc: string; readonly runId: string; readonly attempt: number }
  /** Nothing can be told now: nobody answers there; the machine knows no such run; it has not begun. */
  | { readonly type: 'waiting'; readonly pc: string; readonly why: 'no_answer' | 'unknown' | 'not_begun' }
  | {
      readonly type: 'ended';
      readonly pc: string;
      readonly runId: string;
      readonly status: string | undefined;
      readonly exitCode: number | undefined;
      readonly finishedAt: string | undefined;
      /** False when the machine keeps nothing of what it printed: its result has what there is. */
      readonly kept: boolean;
    };

export interface FollowRunOptions {
  readonly pc: string;
  readonly ids: RunIds;
  /** Begin with the first byte; else with the last that one answer carries. */
  readonly fromStart: boolean;
  /** Go on until the run has ended, whoever is away meanwhile; else until there is nothing more now. */
  readonly follow: boolean;
  readonly onEvent: (event: TailEvent) => void;
  readonly signal?: AbortSignal | undefined;
}

/** How a run stood when it was last heard of. */
export type RunStanding = 'ended' | 'running' | 'not_begun' | 'unknown' | 'no_answer';

/** Follows the run of one machine. Throws the signal's reason, and FleetError `broker_failed` for answers that cannot be understood. */
export async function followRun(questions: Questions, options: FollowRunOptions): Promise<RunStanding> {
  const { pc, ids, follow, onEvent, signal } = options;
  const seen = createSeen(options);
  let said: RunStanding | undefined;
  for (let waitMs = 0; ; ) {
    const askedAtMs = performance.now();
    const question = { ...wireIds(ids), ...seen.offsets(), wait_ms: waitMs };
    const message = await questions.ask(tailSubject(pc), question, signal);
    const reply = message && decode(message, pc);
    const standing = standingOf(reply);
    if (standing === 'running' || standing === 'ended') {
      if (reply) seen.take(reply);
    } else if (standing !== said) onEvent({ type: 'waiting', pc, why: standing });
    if (reply?.more) continue;
    if (reply && standing === 'ended') seen.end(reply);
    if (!follow || standing === 'ended') return standing;
    seen.begin(standing);
    const isNews = standing !== said || Boolean(reply?.stdout || reply?.stderr);
    await pause(
      pauseMs({ waitMs, tookMs: performance.now() - askedAtMs, isNews, isAnswered: reply !== undefined }),
      signal,
    );
    said = standing;
    waitMs = heldMs;
  }
}

/** How long output is collected before more of it is asked for, in ms: what is printed line by line comes in fewer answers. */
const togetherMs = 20;

interface Answered {
  readonly waitMs: number;
  readonly tookMs: number;
  readonly isNews: boolean;
  readonly isAnswered: boolean;
}

/** A machine that holds answers back sets the pace; one that cannot, and one that is away, must not be asked all the time. */
function pauseMs({ waitMs, tookMs, isNews, isAnswered }: Answered): number {
  if (!isAnswered) return againMs;
  if (isNews) return waitMs === 0 ? 0 : togetherMs;
  return waitMs === 0 || tookMs > waitMs / 2 ? 0 : againMs;
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
  signal?.throwIfAborted();
}

const wireIds = ({ resultId, requestId, execId }: RunIds) => ({
  ...(resultId === undefined ? {} : { result_id: resultId }),
  ...(requestId === undefined ? {} : { request_id: requestId }),
  ...(execId === undefined ? {} : { exec_id: execId }),
});

function decode(message: Msg, pc: string): JobTailReply {
  let value: unknown;
  try {
    value = message.json();
  } catch {
    value = undefined; // refused below, as JSON of another shape is
  }
  const read = readAs(JobTailReply, value);
  const fault = !read.ok ? `it says ${message.string().slice(0, 200)}` : read.value.error;
  if (!read.ok || fault !== undefined)
    throw new FleetError('broker_failed', `the answer of ${pc} cannot be used: ${fault}`);
  const reply = withDefaults(read.value, jobTailReplyDefaults);
  if (reply.found && reply.state === undefined)
    throw new FleetError('broker_failed', `the agent of ${pc} is too old to be followed`);
  return reply;
}

function standingOf(reply: JobTailReply | undefined): RunStanding {
  if (!reply) return 'no_answer';
  if (!reply.found || reply.state === undefined) return 'unknown';
  return reply.state === 'waiting' ? 'not_begun' : reply.state;
}

/** What was told of a run so far. */
function createSeen({ pc, fromStart, onEvent }: FollowRunOptions) {
  let attempt: number | undefined;
  const at: { stdout: number | undefined; stderr: number | undefined } = fromStart
    ? { stdout: 0, stderr: 0 }
    : { stdout: undefined, stderr: undefined };
  return {
    offsets: () => ({
      ...(at.stdout === undefined ? {} : { stdout_from: at.stdout }),
      ...(at.stderr === undefined ? {} : { stderr_from: at.stderr }),
      ...(attempt === undefined ? {} : { attempt }),
    }),
    /** Nothing was printed so far: what comes is told from its beginning. */
    begin(standing: RunStanding): void {
      if (standing !== 'unknown' && standing !== 'not_begun') return;
      at.stdout ??= 0;
      at.stderr ??= 0;
    },
    take(reply: JobTailReply): void {
      const runId = reply.result_id ?? '';
      const { attempt: now = 0 } = reply;
      if (attempt !== undefined && attempt !== now) {
        onEvent({ type: 'again', pc, runId, attempt: now });
        Object.assign(at, { stdout: 0, stderr: 0 });
      }
      attempt = now;
      for (const stream of ['stdout', 'stderr'] as const) {
        const from = reply[`${stream}_from`] ?? 0;
        const to = reply[`${stream}_to`] ?? from;
        const known = at[stream] ?? 0;
        if (from !== known) {
          const [begin, end] = from > known ? [known, from] : [from, known];
          onEvent({ type: 'left_out', pc, runId, stream, from: begin, to: end });
        }
        at[stream] = to;
        const text = reply[stream] ?? '';
        if (text !== '') onEvent({ type: 'output', pc, runId, stream, from, to, text });
      }
    },
    end({
      result_id: runId = '',
      status,
      exit_code: exitCode,
      finished_at: finishedAt,
      kept = true,
    }: JobTailReply): void {
      onEvent({ type: 'ended', pc, runId, status, exitCode, finishedAt, kept });
    },
  };
}
