/*
 * The serving end of one connection.
 *   waiting   only the handshake method is answered; everything else is InvalidRequest. Ends after `handshakeTimeoutMs`
 *   open      requests run concurrently; a second handshake replaces the first
 *   draining  nothing more is taken; what runs may finish within `drainTimeoutMs`
 *   ended     every request's signal is aborted
 */
import type { Duplex } from 'node:stream';
import { KlpError, limitError } from '../wire/error.ts';
import { encodeError, type Message } from '../wire/message.ts';
import { cancelledId, cancelMethod } from '../wire/reserved.ts';
import { createChannel, type EndReason } from './channel.ts';
import type { Contract } from './contract.ts';
import { type ServerLimits, serverLimits } from './limits.ts';
import { createPusher } from './pusher.ts';
import { createRateLimit, type RateLimit } from './rate-limit.ts';
import { createRequests, type Request, type Requests } from './requests.ts';
import type { SendPush, ServeOptions } from './serving.ts';

export interface Connection<C extends Contract> extends AsyncDisposable {
  readonly push: SendPush<C>;
  /** Drains and closes: takes no more requests, lets running ones answer, then ends. Idempotent. */
  close(): Promise<void>;
  /** Resolves with the reason when the stream is gone. Never rejects. */
  readonly closed: Promise<EndReason>;
}

/** Serves one connection until it ends. Throws TypeError when the handshake method has no handler. */
export function serveConnection<C extends Contract, Peer, Session = undefined>(
  duplex: Duplex,
  options: ServeOptions<C, Peer, Session>,
): Connection<C> {
  const { contract, handlers, peer, promptMethods, timeoutsMs, userRate, onEvent = () => {}, onTrace } = options;
  const handshakeMethod: string = options.handshakeMethod ?? 'system.handshake';
  const limits: ServerLimits = { ...serverLimits, ...options.limits };
  if (!Object.hasOwn(handlers, handshakeMethod)) {
    throw new TypeError(`serve a connection: the handshake method has no handler: ${handshakeMethod}`);
  }
  let requests: Requests | undefined;
  let handshakeTimer: NodeJS.Timeout | undefined;
  let isOpen = false;
  let draining: Promise<void> | undefined;
  const life = createLife();
  const rate = createConnectionRate(limits, userRate);
  const channel = createChannel(duplex, {
    limits,
    onMessage: receive,
    onEnd,
    onRoom: () => pusher.tellDropped(),
    onTrace,
    answersOverLong: true,
  });
  const pusher = createPusher<C>(channel, onEvent);
  const { push } = pusher;
  const scope = { peer, session: openSession(), push };
  const served = createRequests({
    contract,
    handlers,
    promptMethods,
    timeoutsMs,
    onEvent,
    limits,
    scope,
    send: channel.send,
  });
  requests = served;
  handshakeTimer = setTimeout(() => {
    channel.end({ kind: 'closed_here', detail: `no handshake within ${limits.handshakeTimeoutMs} ms` });
  }, limits.handshakeTimeoutMs);

  function openSession(): Session {
    const sessionScope = {
      peer,
      push,
      get signal() {
        return life.signal();
      },
    };
    try {
      return options.createSession?.(sessionScope) as Session;
    } catch (error) {
      duplex.destroy();
      throw error;
    }
  }

  function onEnd(reason: EndReason): void {
    clearTimeout(handshakeTimer);
    const error = new KlpError('AgentDisconnected', `the connection ended: ${reason.kind}`);
    life.abort(error);
    requests?.abort(error);
    onEvent({ kind: 'ended', reason });
  }

  function receive(message: Message): void | Promise<void> {
    // It takes no token: the request that it ends took one.
    if (isCancel(message) && served.cancel(cancelledId(message.params) ?? '')) return undefined;
    if (draining) return undefined;
    const passed = rate();
    if (passed) return refuse(message.kind === 'request' ? message.id : null, passed);
    if (message.kind === 'malformed') return refuse(message.id, message.error);
    if (message.kind === 'request') return admit(message);
    onEvent({ kind: 'message_ignored', messageKind: message.kind });
    return undefined;
  }

  function admit(request: Request): void | Promise<void> {
    const { id, method } = request;
    const isHandshake = method === handshakeMethod;
    if (!isOpen && !isHandshake) return refuse(id, new KlpError('InvalidRequest', 'requires handshake'), method);
    const problem = served.problem(request);
    if (problem) return refuse(id, problem, method);
    if (isHandshake) {
      // Nothing is read while a handshake runs, so a client may send its first requests right behind it.
      const answered = served.answer(request);
      return answered instanceof Promise ? answered.then(openGate) : openGate(answered);
    }
    const noRoom = served.place(request);
    return noRoom ? refuse(id, noRoom, method) : undefined;
  }

  function openGate(isAnswered: boolean): void {
    if (!isAnswered) return;
    isOpen = true;
    clearTimeout(handshakeTimer);
  }

  function refuse(id: string | null, error: KlpError, method?: string): void {
    onEvent({ kind: 'request_refused', method, error });
    void channel.send(encodeError(id, error));
  }

  async function drain(): Promise<void> {
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, limits.drainTimeoutMs);
    await Promise.race([served.idle(), limit.promise, channel.closed]);
    clearTimeout(timer);
    channel.end({ kind: 'closed_here', detail: 'closed by the server' });
    await channel.closed;
  }

  function close(): Promise<void> {
    draining ??= drain();
    return draining;
  }

  return { push, close, closed: channel.closed, [Symbol.asyncDispose]: close };
}

function isCancel(message: Message): message is Extract<Message, { kind: 'notification' }> {
  return message.kind === 'notification' && message.method === cancelMethod;
}

/** Takes a token of the connection and one of its user; says which was missing. */
function createConnectionRate(
  { requestsPerMinute }: ServerLimits,
  userRate: RateLimit | undefined,
): () => KlpError | undefined {
  const rate = createRateLimit(requestsPerMinute, performance.now());
  const passed = (limit: string, maximum: number) => limitError('RateLimit', { limit, maximum, actual: maximum + 1 });
  return () => {
    const nowMs = performance.now();
    if (!rate.take(nowMs)) return passed('requestsPerMinute', requestsPerMinute);
    if (userRate && !userRate.take(nowMs)) return passed('requestsPerUserPerMinute', userRate.perMinute);
    return undefined;
  };
}

/** The signal of a connection, made when somebody asks for it. */
function createLife() {
  let controller: AbortController | undefined;
  let ended: { reason: unknown } | undefined;
  return {
    signal: (): AbortSignal => {
      controller ??= new AbortController();
      if (ended) controller.abort(ended.reason);
      return controller.signal;
    },
    abort: (reason: unknown): void => {
      ended = { reason };
      controller?.abort(reason);
    },
  };
}
