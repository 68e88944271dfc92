import { describe, expect, it } from 'vitest';
import type { Fleet } from '../connection/connect-fleet.ts';
import { followStream } from './follow-stream.ts';

/**
 * A broker whose consumer has nothing to tell until it is stopped; `onConsuming` runs when it begins. As with the library's, only who reads
 * the messages finds out that they are over.
 */
function silentFleet(onConsuming: () => void): Fleet {
  const stopped = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const messages = {
    stop: () => stopped.resolve(),
    close: () => closed.promise,
    [Symbol.asyncIterator]: () => ({
      next: () => stopped.promise.then(() => closed.resolve()).then(() => ({ done: true, value: undefined })),
    }),
  };
  const consumer = {
    async consume() {
      onConsuming();
      return messages;
    },
    delete: async () => true,
  };
  return { connection: {}, jetstream: { consumers: { get: async () => consumer } } } as unknown as Fleet;
}

async function afterTurns(count: number, then: () => void): Promise<void> {
  for (let turn = 0; turn < count; turn++) await undefined;
  then();
}

describe('followStream()', () => {
  it.each(Array.from({ length: 12 }, (_, turns) => [turns]))(
    'ends with the reason of its signal when that aborts %i turns after the consumer has begun',
    async (turns) => {
      const abort = new AbortController();
      const reason = new Error('enough');
      const fleet = silentFleet(() => void afterTurns(turns, () => abort.abort(reason)));
      await expect(followStream(fleet, { stream: 's', from: 1, signal: abort.signal }).next()).rejects.toBe(reason);
    },
  );
});
