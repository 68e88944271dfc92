/*
 * The calling end, over as many connections as it takes.
 *   connecting  dialling, handshake, and the caller's `onConnected`
 *   connected   calls are sent
 *   away        no connection; the next attempt comes by itself
 *   refused     the server refused this peer; no further attempt
 *   closed      closed here; no further attempt
 */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { KlpError } from '../wire/error.ts';
import type { CallParams, CallResult, Contract, MethodName, Push, PushName, PushReceived } from './contract.ts';
import { type ClientLimits, clientLimits } from './limits.ts';
import { type CallOptions, type Link, type LinkEnd, type LinkEvent, openLink } from './link.ts';
import { createPushQueue, type PushQueue } from './push-queue.ts';
import { reconnectDelayMs } from './reconnect.ts';
import { createStateHolder } from './state-holder.ts';
import { createSubscriptions, type Subscription } from './subscriptions.ts';
import type { OnTrace } from './trace.ts';

/** Calls one method. Rejects with KlpError, with the signal's reason, or with TypeError when params cannot be JSON. */
export type Call<C extends Contract> = <K extends MethodName<C>>(
  method: K,
  ...rest: Record<never, never> extends CallParams<C, K>
    ? [params?: CallParams<C, K>, options?: CallOptions]
    : [params: CallParams<C, K>, options?: CallOptions]
) => Promise<CallResult<C, K>>;

export interface SubscribeOptions<Result> {
  /** Takes the subscription back when it is closed, as in `({ subscription }) => call('jobs.unsubscribe', { subscription })`. */
  unsubscribe?: (result: Result) => Promise<unknown>;
  /** Gives up before the first answer. */
  signal?: AbortSignal;
}

export type ClientState<Handshake> =
  | { kind: 'connecting' }
  | { kind: 'connected'; handshake: Handshake }
  | { kind: 'away'; retryInMs: number; error: unknown }
  | { kind: 'refused'; error: KlpError }
  | { kind: 'closed' };

export type ClientEvent =
  | LinkEvent
  /** An attempt failed or a connection ended. */
  | { kind: 'connection_lost'; error: unknown }
  /** The server refused to renew a subscription on this connection; on the next one it is tried again. */
  | { kind: 'subscription_failed'; method: string; error: KlpError }
  /** A callback of the caller threw; the client goes on. */
  | { kind: 'callback_failed'; callback: 'onPush' | 'onState'; error: unknown };

export interface ConnectOptions<C extends Contract, K extends MethodName<C>> {
  contract: C;
  /** Opens one stream to the server; `dialLocal` of the socket entry, or one end of a memory pair. */
  dial: (options: { signal: AbortSignal }) => Promise<Duplex>;
  /** The call that opens each connection. */
  handshake: { method: K; params: CallParams<C, K> };
  /** Runs after each handshake and the renewal of subscriptions, before the state is `connected`. A failure drops the connection and is tried again. */
  onConnected?: (connected: { call: Call<C>; handshake: CallResult<C, K> }) => void | Promise<void>;
  onPush?: (push: Push<C>) => void;
  onState?: (state: ClientState<CallResult<C, K>>) => void;
  /** Sees every frame, secrets and all; `openTraceFile` of the trace entry writes them down. */
  onTrace?: OnTrace | undefined;
  /** Must not throw. */
  onEvent?: (event: ClientEvent) => void;
  limits?: Partial<ClientLimits>;
}

export interface Client<C extends Contract, Handshake> extends AsyncDisposable {
  readonly state: ClientState<Handshake>;
  /**
   * The state as it is and then every change, as an observable: for a reader that is slow, the newest. Ends behind `refused` or `closed`;
   * throws the signal's reason.
   */
  states(options?: { signal?: AbortSignal }): AsyncIterableIterator<ClientState<Handshake>>;
  /** Rejects at once unless the state is `connected`: with the refusal when `refused`, else with `AgentDisconnected`. */
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
  ready(options?: { signal?: AbortSignal }): Promise<Handshake>;
  /** Ends the connection and every iterator. Idempotent. */
  close(): Promise<void>;
}

/** Connects and stays connected until closed or refused. Returns at once; nothing the server does makes it throw. */
export function connectClient<C extends Contract, K extends MethodName<C>>(
  options: ConnectOptions<C, K>,
): Client<C, CallResult<C, K>> {
  type Handshake = CallResult<C, K>;
  const { onEvent = () => {} } = options;
  const limits: ClientLimits = { ...clientLimits, ...options.limits };
  const closing = new AbortController();
  const queues = new Map<string, Set<PushQueue<unknown>>>();
  const holder = createStateHolder<ClientState<Handshake>>({
    first: { kind: 'connecting' },
    isLast: ({ kind }) => kind === 'refused' || kind === 'closed',
    onEnter: (state) => guarded('onState', () => options.onState?.(state)),
  });
  const subscriptions = createSubscriptions((method, error) => onEvent({ kind: 'subscription_failed', method, error }));
  let link: Link | undefined;

  function guarded(callback: 'onPush' | 'onState', run: () => void): void {
    try {
      run();
    } catch (error) {
      onEvent({ kind: 'callback_failed', callback, error });
    }
  }

  function deliver(push: Push<C>): void {
    for (const queue of queues.get(push.method) ?? []) queue.add(push.params);
    guarded('onPush', () => options.onPush?.(push));
  }

  /** One connection, from dialling to its end. Says how long it was connected, and why it ended. */
  async function connection(): Promise<{ livedMs: number | undefined; error: unknown; refusal?: KlpError }> {
    const attempt = AbortSignal.any([closing.signal, AbortSignal.timeout(limits.connectTimeoutMs)]);
    let opened: Link | undefined;
    let connectedAtMs: number | undefined;
    try {
      const duplex = await options.dial({ signal: attempt });
      opened = openLink(duplex, { ...options, limits, onPush: deliver, onEvent, onTrace: options.onTrace });
      link = opened;
      const handshake = (await opened.call(options.handshake.method, options.handshake.params, {
        signal: attempt,
      })) as Handshake;
      await prepare(opened, handshake);
      connectedAtMs = performance.now();
      if (!closing.signal.aborted) holder.enter({ kind: 'connected', handshake });
      const end = await opened.ended;
      return { livedMs: performance.now() - connectedAtMs, error: end.error, ...refusalOf(end) };
    } catch (cause) {
      const isLate = attempt.aborted && !closing.signal.aborted;
      const error = isLate
        ? new KlpError('AgentDisconnected', `connect: no handshake within ${limits.connectTimeoutMs} ms`, { cause })
        : cause;
      if (!opened) return { livedMs: undefined, error };
      opened.close('the connection could not be set up');
      const end = await opened.ended;
      return { livedMs: undefined, error, ...refusalOf(end) };
    } finally {
      link = undefined;
      subscriptions.lose();
    }
  }

  /** The caller's hook; one that hangs must not hide that the connection is gone. */
  async function prepare(opened: Link, handshake: Handshake): Promise<void> {
    const hook = async () => {
      await subscriptions.renew(opened.call);
      await options.onConnected?.({ call: opened.call as Call<C>, handshake });
      return undefined;
    };
    const end = await Promise.race([hook(), opened.ended]);
    if (end) throw end.error;
  }

  async function supervise(): Promise<void> {
    let failureCount = 0;
    let wasShort = false;
    while (!closing.signal.aborted) {
      if (holder.current.kind !== 'connecting') holder.enter({ kind: 'connecting' });
      const { livedMs, error, refusal } = await connection();
      if (closing.signal.aborted) return;
      onEvent({ kind: 'connection_lost', error });
      if (refusal) return settle({ kind: 'refused', error: refusal });
      const isShort = livedMs === undefined || livedMs < limits.steadyMs;
      failureCount = livedMs !== undefined && !(isShort && wasShort) ? 0 : failureCount + 1;
      wasShort = isShort;
      const retryInMs = reconnectDelayMs(failureCount, { firstMs: limits.backoffFirstMs, maxMs: limits.backoffMaxMs });
      holder.enter({ kind: 'away', retryInMs, error });
      await sleep(retryInMs, undefined, { signal: closing.signal }).catch(() => {
        // Only close() aborts this wait; the loop's condition sees it.
      });
    }
  }

  function settle(last: ClientState<Handshake>): void {
    holder.enter(last);
    for (const set of [...queues.values()]) for (const queue of [...set]) queue.end();
  }

  function notConnected(): KlpError {
    const state = holder.current;
    if (state.kind === 'refused') return state.error;
    return new KlpError('AgentDisconnected', `not connected: ${state.kind}`);
  }

  const call = ((method: MethodName<C>, params: unknown = {}, callOptions: CallOptions = {}) => {
    if (callOptions.signal?.aborted) return Promise.reject(callOptions.signal.reason);
    if (holder.current.kind !== 'connected' || !link) return Promise.reject(notConnected());
    return link.call(method, params, callOptions);
  }) as Call<C>;

  async function subscribe<M extends MethodName<C>>(
    method: M,
    params: CallParams<C, M>,
    { unsubscribe, signal }: SubscribeOptions<CallResult<C, M>> = {},
  ): Promise<Subscription<CallResult<C, M>>> {
    const request = { method, params, unsubscribe: unsubscribe as ((result: unknown) => Promise<unknown>) | undefined };
    for (;;) {
      await ready({ signal });
      const current = link;
      try {
        const opened = await subscriptions.open(request, () =>
          (call as (...words: unknown[]) => Promise<unknown>)(method, params, { signal }),
        );
        return opened as Subscription<CallResult<C, M>>;
      } catch (error) {
        // The connection ended under the call: the next one may do better.
        if (link === current || !(error instanceof KlpError) || error.kind !== 'AgentDisconnected') throw error;
      }
    }
  }

  function pushes<P extends PushName<C>>(
    method: P,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncIterableIterator<PushReceived<C, P>> {
    const set = queues.get(method) ?? new Set();
    const queue = createPushQueue<unknown>({
      queuedMax: limits.pushesQueuedMax,
      signal,
      onLeave: () => set.delete(queue),
    });
    queues.set(method, set.add(queue));
    if (['refused', 'closed'].includes(holder.current.kind)) queue.end();
    return queue.items as AsyncIterableIterator<PushReceived<C, P>>;
  }

  async function ready({ signal }: { signal?: AbortSignal } = {}): Promise<Handshake> {
    for (;;) {
      signal?.throwIfAborted();
      const state = holder.current;
      if (state.kind === 'connected') return state.handshake;
      if (state.kind === 'refused' || state.kind === 'closed') throw notConnected();
      await holder.changed(signal);
    }
  }

  const supervised = supervise();

  async function close(): Promise<void> {
    if (!closing.signal.aborted) {
      closing.abort(new KlpError('AgentDisconnected', 'the client was closed'));
      const last = link;
      last?.close('closed by the client');
      settle({ kind: 'closed' });
      await last?.closed;
    }
    await supervised;
  }

  return {
    get state() {
      return holder.current;
    },
    states: holder.states,
    call,
    subscribe,
    pushes,
    ready,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function refusalOf(end: LinkEnd): { refusal: KlpError } | Record<never, never> {
  return end.refusal ? { refusal: end.refusal } : {};
}
