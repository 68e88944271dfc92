import { KlpError } from '../wire/error.ts';
import type { CallOptions } from './link.ts';

/** A call that the server remembers for as long as the connection lives, and that is therefore made again on each new one. */
export interface Subscription<Result> extends AsyncDisposable {
  /** What the server answered last; undefined while the subscription does not stand. */
  readonly current: Result | undefined;
  /** Forgets it and, when connected, calls `unsubscribe`; rejects as that does. Idempotent. */
  close(): Promise<void>;
}

export interface SubscribeOptions<Result> {
  /** Takes the subscription back when it is closed, as in `({ subscription }) => call('unsubscribe', { subscription })`. */
  unsubscribe?: (result: Result) => Promise<unknown>;
  /** Gives up before the first answer. */
  signal?: AbortSignal;
}

type CallMethod = (method: string, params: unknown, options?: CallOptions) => Promise<unknown>;

export interface SubscribeRequest {
  method: string;
  params: unknown;
  /** Takes the subscription back; given what the server answered. */
  unsubscribe: ((result: unknown) => Promise<unknown>) | undefined;
}

interface Kept {
  request: SubscribeRequest;
  current: unknown;
  stands: boolean;
}

/** Answers that another attempt on another connection may mend. Any other, and every one that is the contract's own, is taken as it is. */
const passingKinds: readonly string[] = [
  'Disconnected',
  'ParseError',
  'InvalidRequest',
  'InternalError',
  'RateLimit',
  'DeadlineExceeded',
  'Cancelled',
  'Unknown',
];

export class Subscriptions {
  private readonly kept = new Set<Kept>();
  private readonly onFailed: (method: string, error: KlpError) => void;

  constructor(onFailed: (method: string, error: KlpError) => void) {
    this.onFailed = onFailed;
  }

  /** Makes the call and keeps it. */
  async open(request: SubscribeRequest, call: () => Promise<unknown>): Promise<Subscription<unknown>> {
    const kept: Kept = { request, current: await call(), stands: true };
    this.kept.add(kept);
    return {
      get current() {
        return kept.stands ? kept.current : undefined;
      },
      close: () => this.close(kept),
      [Symbol.asyncDispose]: () => this.close(kept),
    };
  }

  /** Makes every call again, on a new connection. Rejects when one failed in a way that another attempt may mend. */
  async renew(call: CallMethod): Promise<void> {
    await Promise.all([...this.kept].map((kept) => this.renewOne(kept, call)));
  }

  /** The connection is gone. */
  lose(): void {
    for (const kept of this.kept) kept.stands = false;
  }

  private async renewOne(kept: Kept, call: CallMethod): Promise<void> {
    try {
      kept.current = await call(kept.request.method, kept.request.params);
      kept.stands = true;
    } catch (error) {
      if (!(error instanceof KlpError) || passingKinds.includes(error.kind)) throw error;
      this.onFailed(kept.request.method, error);
    }
  }

  private async close(kept: Kept): Promise<void> {
    if (!this.kept.delete(kept) || !kept.stands) return;
    kept.stands = false;
    await kept.request.unsubscribe?.(kept.current);
  }
}
