/** Questions that a machine answers when it has something to tell. */
import { type Msg, TimeoutError } from '@nats-io/transport-node';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { isNoResponders } from '../fault/translate.ts';

/** How long a machine is asked to hold its answer back while there is nothing new, in ms. */
export const heldMs = 5_000;
/** How long an answer may be on its way, in ms. */
const wayMs = 3_000;
/** Pause before a machine is asked again that did not answer, or had nothing new before its time, in ms. */
export const againMs = 500;

/** Questions to machines over one connection; dispose of it when nothing more is asked. */
export interface Questions extends Disposable {
  /** Undefined when nobody answered: the machine is away, or the way to it was interrupted. Rejects with the signal's reason. */
  ask(subject: string, question: object, signal: AbortSignal | undefined): Promise<Msg | undefined>;
}

export function openQuestions({ connection }: Fleet): Questions {
  /** Questions under way: their answers do not come any more when the connection was lost meanwhile. */
  const waiting = new Set<() => void>();
  /** Resolves when the connection is back; what is asked before it is answers nobody. */
  let back: PromiseWithResolvers<void> | undefined;
  const statuses = connection.status() as AsyncIterable<{ type: string }> & { stop(): void };
  void (async () => {
    for await (const { type } of statuses) {
      if (type === 'disconnect') {
        back ??= Promise.withResolvers();
        for (const giveUp of waiting) giveUp();
      } else if (type === 'reconnect') {
        back?.resolve();
        back = undefined;
      }
    }
  })();
  return {
    async ask(subject, question, signal) {
      if (back) await abortable(back.promise, signal);
      const lost = Promise.withResolvers<undefined>();
      const giveUp = (): void => lost.resolve(undefined);
      waiting.add(giveUp);
      try {
        const asking = connection.request(subject, JSON.stringify(question), { timeout: heldMs + wayMs });
        return await abortable(Promise.race([asking.catch(nobody), lost.promise]), signal);
      } finally {
        waiting.delete(giveUp);
      }
    },
    [Symbol.dispose]: () => statuses.stop(),
  };
}

function nobody(error: unknown): undefined {
  if (isNoResponders(error) || error instanceof TimeoutError) return undefined;
  throw error;
}
