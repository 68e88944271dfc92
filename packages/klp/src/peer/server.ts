/*
 * The serving end of one connection.
 *   waiting   only the handshake method is answered; everything else is InvalidRequest. Ends after `handshakeTimeoutMs`
 *   open      requests run concurrently; a second handshake replaces the first
 *   draining  nothing more is read; what runs may finish within `drainTimeoutMs`
 *   ended     every request's signal is aborted
 */
import type { Duplex } from 'node:stream';
import { KlpError } from '../wire/error.ts';
import { encodeError, encodePush, type Message } from '../wire/message.ts';
import { createChannel, type EndReason } from './channel.ts';
import type { Contract } from './contract.ts';
import { type ServerLimits, serverLimits } from './limits.ts';
import { createRateLimit } from './rate-limit.ts';
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
  const { contract, handlers, peer, promptMethods, onEvent = () => {} } = options;
  const handshakeMethod: string = options.handshakeMethod ?? 'system.handshake';
  const limits: ServerLimits = { ...serverLimits, ...options.limits };
  if (!Object.hasOwn(handlers, handshakeMethod)) {
    throw new TypeError(`serve a connection: the handshake method has no handler: ${handshakeMethod}`);
  }
  const life = new AbortController();
  let requests: Requests | undefined;
  let handshakeTimer: NodeJS.Timeout | undefined;
  let handshaken = false;
  let draining: Promise<void> | undefined;
  const rate = createRateLimit(limits.requestsPerMinute, performance.now());
  const channel = createChannel(duplex, { limits, onMessage: receive, onEnd, answersOverLong: true });
  const push = createPush<C>(channel.send, onEvent);
  const scope = { peer, session: openSession(), push };
  const served = createRequests({ contract, handlers, promptMethods, onEvent, limits, scope, send: channel.send });
  requests = served;
  handshakeTimer = setTimeout(() => {
    channel.end({ kind: 'closed_here', detail: `no handshake within ${limits.handshakeTimeoutMs} ms` });
  }, limits.handshakeTimeoutMs);

  function openSession(): Session {
    try {
      return options.createSession?.({ peer, push, signal: life.signal }) as Session;
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
    if (draining) return undefined;
    if (!rate.take(performance.now())) {
      const id = message.kind === 'request' ? message.id : null;
      return refuse(id, new KlpError('RateLimit', `requestsPerMinute: maximum ${limits.requestsPerMinute}`));
    }
    if (message.kind === 'malformed') return refuse(message.id, message.error);
    if (message.kind === 'request') return admit(message);
    onEvent({ kind: 'message_ignored', messageKind: message.kind });
    return undefined;
  }

  function admit(request: Request): void | Promise<void> {
    const { id, method } = request;
    const isHandshake = method === handshakeMethod;
    if (!handshaken && !isHandshake) return refuse(id, new KlpError('InvalidRequest', 'requires handshake'), method);
    const problem = served.problem(request);
    if (problem) return refuse(id, problem, method);
    // Nothing is read while a handshake runs, so a client may send its first requests right behind it.
    if (isHandshake) return served.answer(request).then(openGate);
    const noRoom = served.place(request);
    return noRoom ? refuse(id, noRoom, method) : undefined;
  }

  function openGate(isAnswered: boolean): void {
    if (!isAnswered) return;
    handshaken = true;
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

function createPush<C extends Contract>(
  send: ReturnType<typeof createChannel>['send'],
  onEvent: NonNullable<ServeOptions<C, unknown, unknown>['onEvent']>,
): SendPush<C> {
  let droppedCount = 0;
  return async (method, params, { droppable = false } = {}) => {
    const outcome = await send(encodePush(method, params), { droppable });
    if (outcome === 'dropped') {
      droppedCount += 1;
      onEvent({ kind: 'push_dropped', method, droppedCount });
    }
    return outcome;
  };
}
