/** When a run may start: its way through the gates to a place, and through the gates again for a retry. */
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../limits.ts';
import type { Refusal, Run } from '../run/model.ts';
import type { BrokerPatience } from '../store/contact.ts';
import { type Arrived, createSlots, factsOf, type GateView, refuse, watchOver } from './gates.ts';

/** Gates and places, for the runs that wait behind them. */
export interface Turns {
  /**
   * Takes a run through its gates, its jitter, its script, its place and the gates again. Resolves with the place, given back when disposed
   * of, or with why the run may not start: start it then in the same turn of the event loop. What forbids it while it waits ends
   * it at once and for good, and so does its deadline when it passes. Rejects with the signal's reason on abort.
   */
  wait(run: Run, given: Arrived): Promise<Disposable | Refusal>;
  /**
   * The gates again for a run that has its place, after a pause in ms on the monotonic clock. Resolves with its script, held until
   * that is disposed of, or with why it may not start once more, as soon as that is known. Rejects with the signal's reason on abort.
   */
  again(run: Run, given: Arrived & { readonly pauseMs: number }): Promise<Disposable | Refusal>;
  /** A place at once, beyond the number if need be: for what already runs. */
  occupy(run: Run): Disposable;
  /** So many places from now on. Fewer end nothing that runs; more let in who waits, in order. */
  resize(placesMax: number): void;
}

interface Gates {
  readonly signal: AbortSignal;
  /** Resolves with what refuses the run now, as far as the broker is there to say it. */
  look(): Promise<Refusal | undefined>;
}

/** Sleeps on the monotonic clock, longer than a timer can if need be. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const endMs = performance.now() + ms;
  for (let leftMs = ms; leftMs > 0; leftMs = endMs - performance.now()) {
    await sleep(Math.min(leftMs, limits.timerMsMax), undefined, { signal });
  }
}

export interface TurnPorts {
  /** Why the order of a run is no longer obeyed, should that be so. */
  readonly again: (run: Run) => Refusal | undefined;
  /** Sees to it that what a run needs of the broker is on this disk, until that is disposed of; or says why it cannot be had. */
  readonly hold: (run: Run, signal: AbortSignal) => Promise<Disposable | Refusal>;
}

export function createTurns(view: GateView, placesMax: number, { again, hold }: TurnPorts): Turns {
  const slots = createSlots(placesMax);
  /** `work` ends at once, with the reason, when the run may not start any more. */
  const passing = async <T>(run: Run, given: Arrived, work: (gates: Gates) => Promise<T>): Promise<T | Refusal> => {
    using watch = watchOver(view, run, given);
    const { signal, found } = watch;
    const patience = patienceOf(run, given.isKnown);
    const gates = {
      signal,
      async look() {
        await view.settled(signal, patience);
        return found() ?? again(run) ?? refuse(run.command, factsOf(view, run, given));
      },
    };
    try {
      return await work(gates);
    } catch (error) {
      const refusal = found();
      if (refusal) return refusal;
      throw error;
    }
  };
  return {
    wait: (run, given) =>
      passing(run, given, async ({ look, signal }) => {
        const early = await look();
        if (early) return early;
        const jitterMs = (run.command.jitter_secs ?? 0) * 1000;
        if (jitterMs > 1000) await pause(Math.random() * jitterMs, signal);
        using held = new DisposableStack();
        // Behind the jitter, so that a fleet does not fetch at once; before the place, which is not for who waits for a network.
        const script = await hold(run, signal);
        if ('gate' in script) return script;
        held.use(script);
        held.use(needsPlace(run) ? await slots.take(signal) : noPlace);
        // The connection may have gone and come again while it waited.
        const late = await look();
        if (late) return late;
        return held.move();
      }),
    again: (run, { pauseMs, ...given }) =>
      passing(run, given, async ({ look, signal }) => {
        await pause(pauseMs, signal);
        const script = await hold(run, signal);
        if ('gate' in script) return script;
        using held = new DisposableStack();
        held.use(script);
        return (await look()) ?? held.move();
      }),
    occupy: (run) => (needsPlace(run) ? slots.occupy() : noPlace),
    resize: slots.resize,
  };
}

/**
 * An order of the fleet waits for what forbids it as long as the broker is there to say it. A person at the machine does not wait
 * for a broker that does not answer, unless an earlier agent took the click: then as long as an order.
 */
const patienceOf = ({ origin }: Run, isKnown: boolean): BrokerPatience => ({
  startMs: origin === 'fleet' || isKnown ? limits.brokerWaitMs : 0,
  readMs: origin === 'fleet' ? Number.POSITIVE_INFINITY : limits.freshManifestMs,
});

/** Runs of the person at the machine do not wait behind those of operators. */
const needsPlace = ({ origin, command }: Run): boolean => origin === 'fleet' && command.bypass_local_limit !== true;

const noPlace: Disposable = { [Symbol.dispose]: () => undefined };
