/* What a server is given and what its handlers see. */
import type { Channel, OnTrace } from '../channel/channel.ts';
import type { EndReason } from '../channel/machine.ts';
import type { SendOutcome } from '../channel/outgoing.ts';
import type { Contract, HandlerParams, HandlerResult, MethodName, PushName, PushParams } from '../contract.ts';
import type { ServerLimits } from '../limits.ts';
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

/** What every request of one connection shares. */
export interface ConnectionScope<C extends Contract, Peer, Session> {
  readonly peer: Peer;
  readonly session: Session;
  readonly push: SendPush<C>;
}

export interface RequestsOptions<C extends Contract, Peer, Session> {
  readonly contract: C;
  readonly handlers: Handlers<C, Peer, Session>;
  readonly timeoutsMs: Readonly<Record<string, number | undefined>>;
  readonly limits: ServerLimits;
  readonly scope: ConnectionScope<C, Peer, Session>;
  readonly channel: Pick<Channel, 'send'>;
  readonly onEvent: (event: ServerEvent) => void;
}

export interface RateLimit {
  readonly perMinute: number;
  /** Takes one token at this instant of a monotonic clock; false when there is none. */
  take(nowMs: number): boolean;
}

export interface UserRates {
  /** The bucket that all connections of this user share. */
  of(userKey: string): RateLimit;
}

export interface Connection<C extends Contract> extends AsyncDisposable {
  readonly push: SendPush<C>;
  /** Drains and closes: takes no more requests, lets running ones answer, then ends. Idempotent. */
  close(): Promise<void>;
  /** Resolves with the reason when the stream is gone. Never rejects. */
  readonly closed: Promise<EndReason>;
}
