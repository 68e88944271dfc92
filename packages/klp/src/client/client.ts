/*
 * The calling end: `machine.ts` decides when it dials and what state it is in, `link.ts` is one connection; here are the attempts, the timer, and what
 * outlives a connection.
 */
import type { Duplex } from 'node:stream';
import type { OnTrace } from '../channel/channel.ts';
import type {
  CallParams,
  CallResult,
  Contract,
  HandshakeName,
  MethodName,
  Push,
  PushName,
  PushReceived,
} from '../contract.ts';
import { type ClientLimits, clientLimits } from '../limits.ts';
import { KlpError } from '../wire/error.ts';
import { createStateHolder, PushQueue, type StateHolder } from './follow.ts';
import { type CallOptions, Link, type LinkEnd, type LinkEvent } from './link.ts';
import {
  type ClientState,
  firstLine,
  isLast,
  type Line,
  type LineEffect,
  type LineEvent,
  stepLine,
} from './machine.ts';
import { type SubscribeOptions, type Subscription, Subscriptions } from './subscriptions.ts';

/** Calls one method. Rejects with KlpError, with the signal's reason, or with TypeError when params cannot be JSON. */
export type Call<C extends Contract> = <K extends MethodName<C>>(
  method: K,
  ...rest: Record<never, never> extends CallParams<C, K>
    ? [params?: CallParams<C, K>, options?: CallOptions]
    : [params: CallParams<C, K>, options?: CallOptions]
) => Promise<CallResult<C, K>>;

/** What the server answered to the handshake. */
export type HandshakeOf<C extends Contract> = CallResult<C, HandshakeName<C>>;

export type ClientEvent =
  | LinkEvent
  /** An attempt failed or a connection ended. */
  | { kind: 'connection_lost'; error: unknown }
  /** The server refused to renew a subscription on this connection; on the next one it is tried again. */
  | { kind: 'subscription_failed'; method: string; error: KlpError }
  /** A callback of the caller threw; the client goes on. */
  | { kind: 'callback_failed'; callback: 'onPush' | 'onState'; error: unknown };

export interface ClientOptions<C extends Contract> {
  contract: C;
  /** Opens one stream to the server; `dialLocal` of the socket entry, or one end of a memory pair. */
  dial: (options: { signal: AbortSignal }) => Promise<Duplex>;
  /** Params of the contract's handshake, which opens each connection. */
  handshake: CallParams<C, HandshakeName<C>>;
  /** Runs after each handshake and the renewal of subscriptions, before the state is `connected`. A failure drops the connection and is tried again. */
  onConnected?: (connected: { call: Call<C>; handshake: HandshakeOf<C> }) => void | Promise<void>;
  onPush?: (push: Push<C>) => void;
  onState?: (state: ClientState<HandshakeOf<C>>) => void;
  /** Sees every frame, secrets and all; `openTraceFile` of the trace entry writes them down. */
  onTrace?: OnTrace | undefined;
  /** Must not throw. */
  onEvent?: (event: ClientEvent) => void;
  limits?: Partial<ClientLimits>;
}

export interface Client<C extends Contract> extends AsyncDisposable {
  readonly state: ClientState<HandshakeOf<C>>;
  /**
   * The state as it is and then every change, as an observable: for a reader that is slow, the newest. Ends behind `refused` or `closed`;
   * throws the signal's reason.
   */
  states(options?: { signal?: AbortSignal }): AsyncIterableIterator<ClientState<HandshakeOf<C>>>;
  /** Rejects at once unless the state is `connected`: with the refusal when `refused`, else with `Disconnected`. */
  readonly call: Call<C>;
  /**
   * Calls a method that subscribes, waiting for a connection if need be, and calls it again after every reconnect until closed.
   * Rejects as `call` and `ready` do; later failures are `subscription_failed` events.
   */
  subscribe<M extends MethodName<C>>(
    method: M,
    params: CallParams<C, M>,
    options?: SubscribeOptions<CallResult<C, M>>,
  ): Promise<Subscription<CallResult<C, M>>>;
  /**
   * Every push of one method from this moment on, across reconnects. Ends when the client is closed or refused;
   * throws `RateLimit` after a consumer fell `pushesQueuedMax` behind, and the signal's reason once it is aborted.
   */
  pushes<K extends PushName<C>>(
    method: K,
    options?: { signal?: AbortSignal },
  ): AsyncIterableIterator<PushReceived<C, K>>;
  /** Resolves with the handshake's result when connected. Rejects when refused or closed, or with the signal's reason. */
  ready(options?: { signal?: AbortSignal }): Promise<HandshakeOf<C>>;
  /** Ends the connection and every iterator. Idempotent. */
  close(): Promise<void>;
}

/** Connects and stays connected until closed or refused. Returns at once; nothing the server does makes it throw. */
export function connectClient<C extends Contract>(options: ClientOptions<C>): Client<C> {
  return new ConnectedClient(options);
}

class ConnectedClient<C extends Contract> implements Client<C> {
  private readonly options: ClientOptions<C>;
  private readonly limits: ClientLimits;
  private readonly onEvent: (event: ClientEvent) => void;
  private readonly holder: StateHolder<ClientState<HandshakeOf<C>>>;
  private readonly subscriptions: Subscriptions;
  private readonly queues = new Map<string, Set<PushQueue<unknown>>>();
  private readonly closing = new AbortController();
  private line: Line<HandshakeOf<C>> = firstLine;
  private link: Link<C> | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** The attempt or connection that there is; never rejects. */
  private connection: Promise<void>;

  constructor(options: ClientOptions<C>) {
    const { onEvent = () => {} } = options;
    this.options = options;
    this.limits = { ...clientLimits, ...options.limits };
    this.onEvent = onEvent;
    this.subscriptions = new Subscriptions((method, error) => onEvent({ kind: 'subscription_failed', method, error }));
    this.holder = createStateHolder<ClientState<HandshakeOf<C>>>({
      first: firstLine.at,
      isLast,
      onEnter: (state) => this.tell(state),
    });
    this.connection = this.connect();
  }

  get state(): ClientState<HandshakeOf<C>> {
    return this.line.at;
  }

  states(options?: { signal?: AbortSignal }): AsyncIterableIterator<ClientState<HandshakeOf<C>>> {
    return this.holder.states(options);
  }

  readonly call = ((method: MethodName<C>, params: unknown = {}, options: CallOptions = {}) => {
    if (options.signal?.aborted) return Promise.reject(options.signal.reason);
    if (this.state.kind !== 'connected' || !this.link) return Promise.reject(this.notConnected());
    return this.link.call(method, params, options);
  }) as Call<C>;

  async subscribe<M extends MethodName<C>>(
    method: M,
    params: CallParams<C, M>,
    { unsubscribe, signal }: SubscribeOptions<CallResult<C, M>> = {},
  ): Promise<Subscription<CallResult<C, M>>> {
    const request = { method, params, unsubscribe: unsubscribe as ((result: unknown) => Promise<unknown>) | undefined };
    for (;;) {
      await this.ready({ signal });
      const { link } = this;
      if (!link) continue;
      try {
        const opened = await this.subscriptions.open(request, () => link.call(method, params, { signal }));
        return opened as Subscription<CallResult<C, M>>;
      } catch (error) {
        // The connection ended under the call: the next one may do better.
        if (this.link === link || !(error instanceof KlpError) || error.kind !== 'Disconnected') throw error;
      }
    }
  }

  pushes<K extends PushName<C>>(
    method: K,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<PushReceived<C, K>> {
    const set = this.queues.get(method) ?? new Set();
    const queuedMax = this.limits.pushesQueuedMax;
    const queue: PushQueue<unknown> = new PushQueue({ queuedMax, signal, onLeave: () => set.delete(queue) });
    this.queues.set(method, set.add(queue));
    if (isLast(this.state)) queue.end();
    return queue.items as AsyncIterableIterator<PushReceived<C, K>>;
  }

  async ready({ signal }: { signal?: AbortSignal } = {}): Promise<HandshakeOf<C>> {
    for (;;) {
      signal?.throwIfAborted();
      const { state } = this;
      if (state.kind === 'connected') return state.handshake;
      if (isLast(state)) throw this.notConnected();
      await this.holder.changed(signal);
    }
  }

  async close(): Promise<void> {
    const { link } = this;
    this.closing.abort(new KlpError('Disconnected', 'the client was closed'));
    this.dispatch({ kind: 'close' });
    clearTimeout(this.timer);
    await link?.closed;
    await this.connection;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** One connection, from dialling to its end. */
  private async connect(): Promise<void> {
    const { closing, limits, options } = this;
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(limits.connectTimeoutMs)]);
    let link: Link<C> | undefined;
    try {
      const duplex = await options.dial({ signal });
      const { contract, onTrace } = options;
      link = new Link(duplex, { contract, limits, onPush: this.deliver, onEvent: this.onEvent, onTrace });
      this.link = link;
      const handshake = (await link.call(contract.handshake, options.handshake, { signal })) as HandshakeOf<C>;
      await this.prepare(link, handshake);
      this.dispatch({ kind: 'prepared', handshake, nowMs: performance.now() });
    } catch (cause) {
      const isLate = signal.aborted && !closing.signal.aborted;
      const error = isLate ? tooLate(limits.connectTimeoutMs, cause) : cause;
      link?.close('the connection could not be set up');
      const end = await link?.ended;
      return this.lose(error, end);
    }
    const end = await link.ended;
    return this.lose(end.error, end);
  }

  /** The caller's hook; one that hangs must not hide that the connection is gone. */
  private async prepare(link: Link<C>, handshake: HandshakeOf<C>): Promise<void> {
    const hook = async () => {
      await this.subscriptions.renew(link.call);
      await this.options.onConnected?.({ call: link.call as Call<C>, handshake });
      return undefined;
    };
    const end = await Promise.race([hook(), link.ended]);
    if (end) throw end.error;
  }

  private lose(error: unknown, end: LinkEnd | undefined): void {
    this.link = undefined;
    this.subscriptions.lose();
    this.dispatch({ kind: 'lost', error, refusal: end?.refusal, nowMs: performance.now(), roll: Math.random() });
  }

  private readonly deliver = (push: Push<C>): void => {
    for (const queue of this.queues.get(push.method) ?? []) queue.add(push.params);
    try {
      this.options.onPush?.(push);
    } catch (error) {
      this.onEvent({ kind: 'callback_failed', callback: 'onPush', error });
    }
  };

  private tell(state: ClientState<HandshakeOf<C>>): void {
    try {
      this.options.onState?.(state);
    } catch (error) {
      this.onEvent({ kind: 'callback_failed', callback: 'onState', error });
    }
  }

  private notConnected(): KlpError {
    const { state } = this;
    return state.kind === 'refused' ? state.error : new KlpError('Disconnected', `not connected: ${state.kind}`);
  }

  private dispatch(event: LineEvent<HandshakeOf<C>>): void {
    const [line, effects] = stepLine(this.line, event, this.limits);
    this.line = line;
    for (const effect of effects) this.carryOut(effect);
  }

  private carryOut(effect: LineEffect): void {
    switch (effect.kind) {
      case 'dial':
        this.connection = this.connect();
        break;
      case 'tell':
        this.holder.enter(this.line.at);
        break;
      case 'report':
        this.onEvent({ kind: 'connection_lost', error: effect.error });
        break;
      case 'wait':
        this.timer = setTimeout(() => this.dispatch({ kind: 'due' }), effect.ms);
        break;
      case 'hang_up':
        this.link?.close('closed by the client');
        break;
      case 'end_pushes':
        for (const set of [...this.queues.values()]) for (const queue of [...set]) queue.end();
    }
  }
}

function tooLate(connectTimeoutMs: number, cause: unknown): KlpError {
  return new KlpError('Disconnected', `connect: no handshake within ${connectTimeoutMs} ms`, { cause });
}
