/** Faults of agents, links and the broker, chosen by a seed: several at a time, each at most one of its victim's, each mended in the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Brokers, Fault } from './brokers.ts';
import type { Machine } from './machines.ts';

export interface StormOptions {
  readonly machines: readonly Machine[];
  readonly brokers: Brokers;
  readonly faults: number;
  readonly random: () => number;
}

export interface Storm {
  /** How many faults have been done. */
  readonly done: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Resolves when all faults are mended. */
  readonly over: Promise<void>;
}

/** Most faults at the same time, and the longest that one lasts and that passes between two, in ms. */
const [atOnceMax, faultMsMax, pauseMsMax] = [3, 600, 150];

export function startStorm(options: StormOptions): Storm {
  const { faults, random } = options;
  const all = [...options.machines, options.brokers].flatMap((part) => part.faults);
  const counts: Record<string, number> = {};
  const struck = new Map<string, Promise<void>>();
  let done = 0;

  async function befall(fault: Fault, lastsMs: number): Promise<void> {
    await fault.strike();
    counts[fault.name] = (counts[fault.name] ?? 0) + 1;
    done++;
    await sleep(lastsMs);
    await fault.mend();
    struck.delete(fault.victim);
  }

  async function rage(): Promise<void> {
    for (let begun = 0; begun < faults; begun++) {
      while (struck.size >= atOnceMax) await Promise.race(struck.values());
      const fault = choose(
        all.filter(({ victim }) => !struck.has(victim)),
        random,
      );
      struck.set(fault.victim, befall(fault, random() * (fault.longestMs ?? faultMsMax)));
      await sleep(random() * (options.brokers.pauseMsMax ?? pauseMsMax));
    }
    await Promise.all(struck.values());
  }

  const over = rage();
  return {
    get done() {
      return done;
    },
    counts,
    over,
  };
}

function choose(faults: readonly Fault[], random: () => number): Fault {
  let at = random() * faults.reduce((sum, { weight }) => sum + weight, 0);
  const found = faults.find(({ weight }) => {
    at -= weight;
    return at < 0;
  });
  if (!found) throw new Error('nothing is left to strike');
  return found;
}
