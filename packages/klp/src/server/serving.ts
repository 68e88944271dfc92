/* What a server is given, what its handlers see, and how often its clients may ask. */
import type { OnTrace } from '../channel/channel.ts';
import type { EndReason } from '../channel/machine.ts';
import type { SendOutcome } from '../channel/outgoing.ts';
import type { Contract, HandlerParams, HandlerResult, MethodName, PushName, PushParams } from '../contract.ts';
import { type ServerLimits, type UserLimits, userLimits } from '../limits.ts';
import type { KlpError } from '../wire/error.ts';

/**
 * Sends one push. `queued`: on its way; `dropped`: it was droppable and the queue was full, which the client is told; `closed`: the connection is gone.
 * A push that is not droppable waits for room. Rejects with `PayloadTooLarge` over the cap and TypeError when it cannot be JSON.
 */
export type SendPush<C extends Contract> = <K extends PushName<C>>(
  method: K,
  params: PushParams<C, K>,
  options?: { droppable?: boolean },
) => Promise<SendOutcome>;

export interface RequestContext<C extends Contract, Peer, Session> {
  /** Who the operating system says is calling. Identity inside params is never to be trusted. */
  readonly peer: Peer;
  readonly session: Session;
  /** Aborted when the connection ends before the answer, when the caller gives up (`Cancelled`), and at the deadline (`DeadlineExceeded`). */
  readonly signal: AbortSignal;
  readonly push: SendPush<C>;
}

/** Params in, result out. A thrown KlpError of the contract is sent as it is, anything else becomes `InternalError` without its message. */
export type Handler<C extends Contract, K extends MethodName<C>, Peer, Session> = (
  params: HandlerParams<C, K>,
  context: RequestContext<C, Peer, Session>,
) => HandlerResult<C, K> | Promise<HandlerResult<C, K>>;

/** A method of the contract without a handler answers MethodNotFound. */
export type Handlers<C extends Contract, Peer, Session> = {
  readonly [K in MethodName<C>]?: Handler<C, K, Peer, Session>;
};

export type ServerEvent =
  /** A handler threw something that is not an error of the contract, or returned something that cannot be JSON. */
  | { kind: 'handler_failed'; method: string; error: unknown }
  | { kind: 'request_refused'; method: string | undefined; error: KlpError }
  /** The handler of a request that was cancelled or passed its deadline ended; the answer had been given. */
  | { kind: 'answer_discarded'; method: string }
  /** Responses and notifications from a client mean nothing, except for a cancel of a request that waits or runs. */
  | { kind: 'message_ignored'; messageKind: 'notification' | 'response' }
  | { kind: 'push_dropped'; method: string; droppedCount: number }
  | { kind: 'ended'; reason: EndReason };

/** What a session is made from: it lives as long as the connection. */
export interface SessionScope<C extends Contract, Peer> {
  readonly peer: Peer;
  readonly push: SendPush<C>;
  /** Aborted when the connection ends. */
  readonly signal: AbortSignal;
}

export interface ServeOptions<C extends Contract, Peer, Session> {
  contract: C;
  peer: Peer;
  /** Makes the per-connection state that handlers find as `context.session`. */
  createSession?: (scope: SessionScope<C, Peer>) => Session;
  handlers: Handlers<C, Peer, Session>;
  /** How long a request of a method may take, in ms, instead of `requestTimeoutMs`; Infinity for no deadline. */
  timeoutsMs?: { readonly [K in MethodName<C>]?: number };
  /** The bucket that this connection shares with the other ones of its user: `createUserRates().of(peer.userKey)`. */
  userRate?: RateLimit;
  limits?: Partial<ServerLimits>;
  /** Sees every frame, secrets and all; `openTraceFile` of the trace entry writes them down. */
  onTrace?: OnTrace | undefined;
  onEvent?: (event: ServerEvent) => void;
}

/** A signal that is made when somebody asks for it: mostly nobody does. */
export class LateSignal {
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    return this.#controller.signal;
  }

  /** Aborts the signal; the first reason wins. Not a part of what a handler sees. */
  abort(reason: unknown): void {
    this.#aborted ??= { reason };
    this.#controller?.abort(this.#aborted.reason);
  }
}

/** What every request of one connection shares. */
export interface ConnectionScope<C extends Contract, Peer, Session> {
  readonly peer: Peer;
  readonly session: Session;
  readonly push: SendPush<C>;
}

/** What the handler of one request sees. */
export class RequestScope<C extends Contract, Peer, Session>
  extends LateSignal
  implements RequestContext<C, Peer, Session>
{
  readonly peer: Peer;
  readonly session: Session;
  readonly push: SendPush<C>;

  constructor({ peer, session, push }: ConnectionScope<C, Peer, Session>) {
    super();
    this.peer = peer;
    this.session = session;
    this.push = push;
  }
}

export interface RateLimit {
  readonly perMinute: number;
  /** Takes one token at this instant of a monotonic clock; false when there is none. */
  take(nowMs: number): boolean;
}

/** A token bucket that starts full, holds `perMinute` tokens and refills evenly. Infinity never refuses. */
export function createRateLimit(perMinute: number, startMs: number): RateLimit {
  if (!(perMinute > 0)) throw new RangeError(`create a rate limit: requests per minute must be above 0: ${perMinute}`);
  if (perMinute === Number.POSITIVE_INFINITY) return { perMinute, take: () => true };
  let tokens = perMinute;
  let atMs = startMs;
  return {
    perMinute,
    take: (nowMs) => {
      tokens = Math.min(perMinute, tokens + ((nowMs - atMs) * perMinute) / 60_000);
      atMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

export interface UserRates {
  /** The bucket that all connections of this user share. */
  of(userKey: string): RateLimit;
}

interface Bucket {
  rate: RateLimit;
  usedAtMs: number;
}

/** How long a bucket takes to be full again, however empty it was. */
const fullAgainMs = 60_000;

/** Users whose buckets are kept before full ones are looked for. */
const usersKept = 1_024;

/** One bucket of requests per OS user, which reconnecting does not refill. A bucket that must be full again is forgotten. */
export function createUserRates(options: Partial<UserLimits> = {}): UserRates {
  const { requestsPerUserPerMinute } = { ...userLimits, ...options };
  const buckets = new Map<string, Bucket>();

  function open(userKey: string, nowMs: number): Bucket {
    if (buckets.size >= usersKept) {
      for (const [key, { usedAtMs }] of buckets) if (nowMs - usedAtMs > fullAgainMs) buckets.delete(key);
    }
    const bucket = { rate: createRateLimit(requestsPerUserPerMinute, nowMs), usedAtMs: nowMs };
    buckets.set(userKey, bucket);
    return bucket;
  }

  function take(userKey: string, nowMs: number): boolean {
    const bucket = buckets.get(userKey) ?? open(userKey, nowMs);
    bucket.usedAtMs = nowMs;
    return bucket.rate.take(nowMs);
  }

  // Checked here, so that a wrong number is not found out by the first request.
  createRateLimit(requestsPerUserPerMinute, 0);
  return {
    of: (userKey) => ({ perMinute: requestsPerUserPerMinute, take: (nowMs) => take(userKey, nowMs) }),
  };
}
