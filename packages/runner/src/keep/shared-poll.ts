/**
 * Looks that have to be made again and again, taken in turn: however many there are, they cost the same share of a
 * processor. With few, each has its turn every {@link limits.safetyPollMs}.
 */
import { limits } from '../record/layout.ts';

export interface Rounds {
  /** Adds a look; call the answer to take it out again. Looks must not throw. */
  add(look: () => void): () => void;
}

/** Most looks per second, and the shortest pause between two turns in ms. A look costs about 20 µs. */
const [looksPerSecondMax, tickMsMin] = [400, 100];

export function createRounds(): Rounds {
  const looks = new Set<() => void>();
  let turn = looks.values();
  let timer: NodeJS.Timeout | undefined;

  const next = (): (() => void) | undefined => {
    const step = turn.next();
    if (!step.done) return step.value;
    turn = looks.values();
    return turn.next().value;
  };
  const tick = (): void => {
    timer = undefined;
    const periodMs = Math.max(limits.safetyPollMs, (looks.size * 1000) / looksPerSecondMax);
    for (let count = Math.ceil((looks.size * tickMsMin) / periodMs); count > 0; count--) next()?.();
    schedule();
  };
  const schedule = (): void => {
    if (looks.size > 0) timer ??= setTimeout(tick, Math.max(tickMsMin, limits.safetyPollMs / looks.size));
  };

  return {
    add(look) {
      looks.add(look);
      schedule();
      return () => {
        looks.delete(look);
        if (looks.size > 0) return;
        clearTimeout(timer);
        timer = undefined;
      };
    },
  };
}
