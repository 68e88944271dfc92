/** Questions that operators ask a machine, and answers that are held back until there is something to tell. */
import type { Read } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';

/** Answers a question within `answerBytesMax` bytes. Never rejects for what stands in the question. */
export type AnswerQuestion = (data: Uint8Array, answerBytesMax: number) => Promise<Answered>;

export interface Answered {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A question, or what is wrong with it, in a sentence. An empty one asks for nothing special. */
export function readQuestion<T>(
  data: Uint8Array,
  read: (value: unknown) => Read<T>,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string } {
  if (data.length > limits.questionBytesMax)
    return { ok: false, error: `the question is too long: at most ${limits.questionBytesMax} bytes: ${data.length}` };
  let value: unknown = {};
  try {
    if (data.length > 0) value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch {
    return { ok: false, error: 'the question is no JSON' };
  }
  const question = read(value);
  if (question.ok) return question;
  const faults = question.faults.map(({ path, message }) => `${path} ${message}`.trim());
  return { ok: false, error: `the question cannot be understood: ${faults.join('; ')}`.slice(0, 1000) };
}

/** Looks until there is something; `next` resolves when it is time to look. Undefined when the wait is over, or the agent ends. */
export type Held = <T>(
  waitMs: number,
  next: (waitMs: number) => Promise<void>,
  look: () => T | undefined,
) => Promise<T | undefined>;

/** Bounds how many answers are held back at a time; further ones come at once. */
export function createHeld(signal: AbortSignal): Held {
  let count = 0;
  return async (waitMs, next, look) => {
    if (count >= limits.heldAnswersMax) return undefined;
    count++;
    try {
      const untilMs = performance.now() + Math.min(waitMs, limits.heldAnswerMs);
      while (!signal.aborted) {
        const found = look();
        const leftMs = untilMs - performance.now();
        if (found !== undefined || leftMs <= 0) return found;
        await orAbort(next(leftMs), signal);
      }
      return undefined;
    } finally {
      count--;
    }
  };
}

/** Resolves with the promise, or as soon as the signal fires. */
function orAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done);
    promise.then(done, done);
  });
}
