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
  let progress: Progress = { ...before, line: 0 };
  let firstFault: string | undefined;

  function take(text: string): void {
    const line = progress.line + 1;
    progress = { ...progress, line };
    if (line <= before.line || text.trim() === '' || queue.isLeftOut()) return;
    const event = readEvent(run, text, line);
    if (typeof event === 'string') {
      firstFault ??= `line ${line}: ${event}`;
      progress = { ...progress, bad: progress.bad + 1 };
      return;
    }
    progress = queue.add(event, progress);
  }

  async function commit(): Promise<void> {
    if (queue.waiting() === 0) return;
    progress = queue.commit(progress);
    await nextTurn();
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
    add(event: ObsEvent, progress: Progress): Progress {
      const body = Buffer.from(JSON.stringify(event));
      if (progress.queued >= limits.emittedEventsMax || progress.bytes + body.length > limits.emittedBytesMax) {
        why = `a run may tell ${limits.emittedEventsMax} events, and ${limits.emittedBytesMax} bytes of them`;
        leftOut++;
        return progress;
      }
      // After everything else: results do not wait for them.
      records.push({ id: eventId(`${run.runId}.${progress.line}`), subject, body, priority: -1 });
      return { ...progress, queued: progress.queued + 1, bytes: progress.bytes + body.length };
    },
    commit(progress: Progress): Progress {
      const held = records;
      records = [];
      try {
        emitted.queue(run.runId, held, progress);
        return progress;
      } catch (error) {
        if (!(error instanceof OutboxError || error instanceof DurableError)) throw error;
        leftOut += held.length;
        why ??= `they find no room on this machine (${error.code})`;
        return { ...progress, queued: progress.queued - held.length };
      }
    },
    notes: (): string[] => (leftOut > 0 ? [`[kanade] emit: ${leftOut} events were left out: ${why}`] : []),
  };
}
