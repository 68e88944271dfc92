/** Answers are made in turn: one that is made and not taken yet is memory, and who does not read could call for thousands. */

/** Answers in hand at one time. */
const answersMax = 16;

export interface AnswerSlots {
  /** Resolves when an answer may be made, with what says that it has gone. Rejects with the signal's reason on abort. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createAnswerSlots(max = answersMax): AnswerSlots {
  const waiting = new Set<() => void>();
  let inHand = 0;
  const grant = (): (() => void) => {
    inHand++;
    let isGone = false;
    return () => {
      if (isGone) return;
      isGone = true;
      inHand--;
      const [next] = waiting;
      if (!next) return;
      waiting.delete(next);
      next();
    };
  };
  return {
    async take(signal) {
      signal.throwIfAborted();
      if (inHand < max) return grant();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = (): void => {
        waiting.delete(resolve);
        reject(signal.reason);
      };
      waiting.add(resolve);
      signal.addEventListener('abort', onAbort, { once: true });
      await promise;
      signal.removeEventListener('abort', onAbort);
      return grant();
    },
  };
}
