/** The slow looks behind all watches of a program, taken in turn. */
import { limits } from '../record/layout.ts';

/**
 * Makes a look again and again, slowly, until the answer is called: what stands behind a watch. It may be made more rarely while
 * `isWatched` says that something else tells of what it would see.
 */
export type Poll = (look: () => void, isWatched?: () => boolean) => () => void;

/**
 * Looks that have to be made again and again, taken in turn: however many there are, they cost the same share of a
 * processor. With few, each has its turn every {@link limits.safetyPollMs}, and while it is watched every {@link limits.watchedPollMs}.
 */
export interface Rounds {
  /** Adds a look; call the answer to take it out again. Looks must not throw. */
  add: Poll;
}

/** Most looks per second. A look costs about 20 µs. */
const looksPerSecondMax = 400;

/** Pauses between two turns, as many as there are in one round at the most. */
const turnsPerRound = 10;

export function createRounds(): Rounds {
  const [soon, late] = [createRound(limits.safetyPollMs), createRound(limits.watchedPollMs)];
  return {
    add(look, isWatched = () => false) {
      let round = soon;
      let leave = (): void => undefined;
      const turn = (): void => {
        look();
        const next = isWatched() ? late : soon;
        if (isOver || next === round) return;
        leave();
        round = next;
        leave = round.add(turn);
      };
      let isOver = false;
      leave = round.add(turn);
      return () => {
        isOver = true;
        leave();
      };
    },
  };
}

/** Looks that each have their turn within so many ms, or later where there are too many. */
function createRound(wantedMs: number): { add(look: () => void): () => void } {
  const tickMsMin = wantedMs / turnsPerRound;
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
    const periodMs = Math.max(wantedMs, (looks.size * 1000) / looksPerSecondMax);
    for (let count = Math.ceil((looks.size * tickMsMin) / periodMs); count > 0; count--) next()?.();
    schedule();
  };
  const schedule = (): void => {
    if (looks.size > 0) timer ??= setTimeout(tick, Math.max(tickMsMin, wantedMs / looks.size));
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
