import { KlpError, type KlpErrorKind } from '../wire/error.ts';
import type { CallOptions } from './link.ts';

/** A call that the server remembers for as long as the connection lives, and that is therefore made again on each new one. */
export interface Subscription<Result> extends AsyncDisposable {
  /** What the server answered last; undefined while the subscription does not stand. */
  readonly current: Result | undefined;
  /** Forgets it and, when connected, calls `unsubscribe`; rejects as that does. Idempotent. */
  close(): Promise<void>;
}

type CallMethod = (method: string, params: unknown, options?: CallOptions) => Promise<unknown>;

export interface SubscribeRequest {
  method: string;
  params: unknown;
  /** Takes the subscription back; given what the server answered. */
  unsubscribe: ((result: unknown) => Promise<unknown>) | undefined;
}

export interface Subscriptions {
  /** Makes the call and keeps it. */
  open(request: SubscribeRequest, call: () => Promise<unknown>): Promise<Subscription<unknown>>;
  /** Makes every call again, on a new connection. Rejects when one failed in a way that another attempt may mend. */
  renew(call: CallMethod): Promise<void>;
  /** The connection is gone. */
  lose(): void;
}

interface Kept {
  request: SubscribeRequest;
  current: unknown;
  stands: boolean;
}

/** Answers that would be the same on another connection. */
const finalKinds: readonly KlpErrorKind[] = [
  'MethodNotFound',
  'InvalidParams',
  'Unauthorized',
  'NotFound',
  'StaleProtocol',
  'PayloadTooLarge',
];

export function createSubscriptions(onFailed: (method: string, error: KlpError) => void): Subscriptions {
  const all = new Set<Kept>();

  async function renewOne(kept: Kept, call: CallMethod): Promise<void> {
    try {
      const result = await call(kept.request.method, kept.request.params);
      kept.current = result;
      kept.stands = true;
    } catch (error) {
      if (!(error instanceof KlpError) || !finalKinds.includes(error.kind)) throw error;
      onFailed(kept.request.method, error);
    }
  }

  async function close(kept: Kept): Promise<void> {
    if (!all.delete(kept) || !kept.stands) return;
    kept.stands = false;
    await kept.request.unsubscribe?.(kept.current);
  }

  return {
    open: async (request, call) => {
      const kept: Kept = { request, current: await call(), stands: true };
      all.add(kept);
      return {
        get current() {
          return kept.stands ? kept.current : undefined;
        },
        close: () => close(kept),
        [Symbol.asyncDispose]: () => close(kept),
      };
    },
    renew: async (call) => {
      await Promise.all([...all].map((kept) => renewOne(kept, call)));
    },
    lose: () => {
      for (const kept of all) kept.stands = false;
    },
  };
}
