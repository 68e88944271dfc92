/** emit: each line that the script printed is an event of this machine. Only of a run that exited with 0. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Durable, DurableError } from '@kanade/durable';
import { type Outbox, OutboxError, type OutboxRecord } from '@kanade/outbox';
import { ObsEvent, obsEventDefaults, subjectOf } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import { eventId } from '../report/events.ts';
import type { Run } from '../run/model.ts';
import { type Emitted, openEmitted, type Progress } from '../store/emitted.ts';
import type { EndedRun, Step } from './after.ts';
import { printedBy } from './printed.ts';

export interface EmitOptions {
  readonly file: Durable;
  readonly outbox: Pick<Outbox, 'enqueueIn' | 'count'>;
}

/** Queues the events of a run, each under an id of its own that a repetition has, too. They stand in no result. */
export function createEmitStep({ file, outbox }: EmitOptions): Step {
  const emitted = openEmitted(file, outbox);
  return {
    name: 'emit',
    needsSuccess: true,
    async take(ended) {
      const walk = createWalk(ended.run, emitted);
      const { ready, waiting, held } = await outbox.count();
      const bytes = ready.bytes + waiting.bytes + held.bytes;
      if (bytes > limits.outbox.bytesMax * limits.emittedShareMax) walk.leaveOut('the outbox is half full');
      await walk.through(ended);
      return { stdout: '', notes: walk.notes() };
    },
  };
}

/** An event of a run as it is sent, or what is wrong with the line. */
export function readEvent(run: Pick<Run, 'runId' | 'pcId'>, text: string, line: number): ObsEvent | string {
  if (text.length > limits.emittedLineCharsMax) return `over ${limits.emittedLineCharsMax} characters`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'no JSON';
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'no JSON object';
  const read = ObsEvent.safeParse({ ...value, pc_id: run.pcId });
  if (!read.success) {
    const [issue] = read.error.issues;
    return `${issue?.path.join('.') || 'event'}: ${issue?.message}`;
  }
  // Readers know an event by this id: one that comes twice is one.
  return { ...obsEventDefaults, ...read.data, event_record_id: read.data.event_record_id ?? `${run.runId}.${line}` };
}

/** Goes through the lines of a run, from the first on: those that are queued already are passed over. */
function createWalk(run: Run, emitted: Emitted) {
  const queue = createQueue(run, emitted);
  const before = emitted.begin(run.runId);
  const progress: Tally = { ...before, line: 0 };
  const turn = createTurn();
  let firstFault: string | undefined;

  function take(text: string): void {
    progress.line++;
    if (progress.line <= before.line || text.trim() === '' || queue.isLeftOut()) return;
    const event = readEvent(run, text, progress.line);
    if (typeof event !== 'string') queue.add(event, progress);
    else {
      firstFault ??= `line ${progress.line}: ${event}`;
      progress.bad++;
      if (progress.bad >= limits.emittedBadMax) queue.leaveOut(`${progress.bad} lines before were no event`);
    }
  }

  async function commit(): Promise<void> {
    if (queue.waiting() === 0) return;
    queue.commit(progress);
    await turn.next();
  }

  return {
    leaveOut: queue.leaveOut,
    async through({ outcome, signal }: EndedRun): Promise<void> {
      let rest = '';
      for await (const text of printedBy(outcome, signal)) {
        const lines = (rest + text).split('\n');
        // Of a line that is too long the beginning is enough to say so.
        rest = (lines.pop() ?? '').slice(0, limits.emittedLineCharsMax + 1);
        for (const line of lines) {
          take(line);
          if (queue.waiting() >= limits.emittedTogetherMax) await commit();
          else if (turn.isOver()) await turn.next();
        }
        await commit();
      }
      take(rest);
      await commit();
    },
    notes(): string[] {
      const { bad } = progress;
      const skipped = `[kanade] emit: ${bad} lines are no event and were skipped (${firstFault ?? 'seen before'})`;
      return [...(bad > 0 ? [skipped] : []), ...queue.notes()];
    },
  };
}

type Tally = { -readonly [K in keyof Progress]: Progress[K] };

/** Tells when others have waited long enough for the event loop; the clock is looked at now and then. */
function createTurn() {
  let [sinceMs, looks] = [performance.now(), 0];
  return {
    isOver: (): boolean => ++looks % 64 === 0 && performance.now() - sinceMs > limits.afterTurnMs,
    async next(): Promise<void> {
      await nextTurn();
      sinceMs = performance.now();
    },
  };
}

/** Events on their way to the outbox, within what one run may tell. */
function createQueue(run: Run, emitted: Emitted) {
  const subject = subjectOf({ kind: 'obs', pcId: run.pcId });
  let records: OutboxRecord[] = [];
  /** Why no more are queued, and how many that concerns. */
  let why: string | undefined;
  let leftOut = 0;
  return {
    leaveOut(reason: string): void {
      why ??= reason;
    },
    /** True when no more are queued: one more is counted. */
    isLeftOut(): boolean {
      if (why === undefined) return false;
      leftOut++;
      return true;
    },
    waiting: (): number => records.length,
    /** Counts it in, unless the run has told enough. */
    add(event: ObsEvent, progress: Tally): void {
      const body = Buffer.from(JSON.stringify(event));
      if (progress.queued >= limits.emittedEventsMax || progress.bytes + body.length > limits.emittedBytesMax) {
        why = `a run may tell ${limits.emittedEventsMax} events, and ${limits.emittedBytesMax} bytes of them`;
        leftOut++;
        return;
      }
      // After everything else: results do not wait for them.
      records.push({ id: eventId(`${run.runId}.${progress.line}`), subject, body, priority: -1 });
      progress.queued++;
      progress.bytes += body.length;
    },
    /** Counts those out that find no room. */
    commit(progress: Tally): void {
      const held = records;
      records = [];
      try {
        emitted.queue(run.runId, held, progress);
      } catch (error) {
        if (!(error instanceof OutboxError || error instanceof DurableError)) throw error;
        leftOut += held.length;
        why ??= `they find no room on this machine (${error.code})`;
        progress.queued -= held.length;
      }
    },
    notes: (): string[] => (leftOut > 0 ? [`[kanade] emit: ${leftOut} events were left out: ${why}`] : []),
  };
}
