/*
 * The serving end of one connection: `machine.ts` decides what is taken and how it ends, `requests.ts` runs what was taken; here are the channel, the
 * timer, the pushes, and how often a connection and its user may ask.
 */
import type { Duplex } from 'node:stream';
import { Channel } from '../channel/channel.ts';
import { LateSignal } from '../channel/late.ts';
import type { EndReason } from '../channel/machine.ts';
import type { Contract } from '../contract.ts';
import { type ServerLimits, serverLimits, type UserLimits, userLimits } from '../limits.ts';
import { KlpError, limitError } from '../wire/error.ts';
import { cancelledId, cancelMethod, droppedMethod, encodeError, encodePush, type Message } from '../wire/message.ts';
import { begun, type ServerEffect, type ServerStep, stepServer } from './machine.ts';
import { type Request, Requests } from './requests.ts';
import type { Connection, RateLimit, SendPush, ServeOptions, ServerEvent, UserRates } from './serving.ts';

/** Serves one connection until it ends. Throws TypeError when the handshake of the contract has no handler, and what `createSession` throws. */
export function serveConnection<C extends Contract, Peer, Session = undefined>(
  duplex: Duplex,
  options: ServeOptions<C, Peer, Session>,
): Connection<C> {
  const { handshake } = options.contract;
  if (!Object.hasOwn(options.handlers, handshake)) {
    throw new TypeError(`serve a connection: the handshake method has no handler: ${handshake}`);
  }
  return new ServedConnection(duplex, options);
}

class ServedConnection<C extends Contract, Peer, Session> implements Connection<C> {
  private readonly contract: C;
  private readonly limits: ServerLimits;
  private readonly channel: Channel;
  /** Undefined while the session is made. */
  private readonly requests: Requests<C, Peer, Session> | undefined;
  private readonly life = new LateSignal();
  private readonly rate: RateLimit;
  private readonly userRate: RateLimit | undefined;
  private readonly onEvent: (event: ServerEvent) => void;
  /** Drops that the client was not told of yet, per push, so that the word about them is as small as the contract. */
  private readonly untold = new Map<string, number>();
  private droppedCount = 0;
  private state = begun[0];
  private timer: NodeJS.Timeout | undefined;
  readonly closed: Promise<EndReason>;

  constructor(duplex: Duplex, options: ServeOptions<C, Peer, Session>) {
    const { contract, handlers, peer, timeoutsMs = {}, userRate, onEvent = () => {}, onTrace } = options;
    const limits = { ...serverLimits, ...options.limits };
    this.contract = contract;
    this.limits = limits;
    this.userRate = userRate;
    this.onEvent = onEvent;
    this.rate = createRateLimit(limits.requestsPerMinute, performance.now());
    this.channel = new Channel(duplex, {
      limits,
      errors: contract.errors,
      onMessage: (message) => this.receive(message),
      onEnd: (reason) => this.dispatch({ kind: 'gone', reason }),
      onRoom: () => this.tellDropped(),
      onTrace,
      answersOverLong: true,
    });
    this.closed = this.channel.closed;
    const { channel, push } = this;
    const scope = { peer, session: this.openSession(duplex, options), push };
    this.requests = new Requests({ contract, handlers, timeoutsMs, limits, scope, channel, onEvent });
    if (this.state === 'waiting') for (const effect of begun[1]) this.carryOut(effect);
  }

  readonly push: SendPush<C> = async (method, params, { droppable = false } = {}) => {
    // Asked first: what is dropped need not be encoded.
    if (droppable && !this.channel.hasRoom()) return this.noteDrop(method);
    // Whoever hears of an end has heard before it what is missing.
    this.tellDropped();
    return this.channel.send(encodePush(method, params), droppable);
  };

  async close(): Promise<void> {
    this.dispatch({ kind: 'close' });
    await this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private openSession(duplex: Duplex, { peer, createSession }: ServeOptions<C, Peer, Session>): Session {
    const { life, push } = this;
    const scope = {
      peer,
      push,
      get signal() {
        return life.signal;
      },
    };
    try {
      return createSession?.(scope) as Session;
    } catch (error) {
      duplex.destroy();
      throw error;
    }
  }

  private receive(message: Message): void | Promise<void> {
    // It takes no token: the request that it ends took one.
    if (isCancel(message) && this.requests?.cancel(cancelledId(message.params) ?? '')) return undefined;
    if (this.state === 'draining') return undefined;
    const passed = this.takeToken();
    if (passed) return this.refuse(message.kind === 'request' ? message.id : null, passed);
    if (message.kind === 'malformed') return this.refuse(message.id, message.error);
    if (message.kind === 'request' && this.requests) return this.take(message, this.requests);
    if (message.kind !== 'request') this.onEvent({ kind: 'message_ignored', messageKind: message.kind });
    return undefined;
  }

  private take(request: Request, requests: Requests<C, Peer, Session>): void | Promise<void> {
    const { id, method } = request;
    const isHandshake = method === this.contract.handshake;
    if (this.state === 'waiting' && !isHandshake) {
      return this.refuse(id, new KlpError('InvalidRequest', 'requires handshake'), method);
    }
    const problem = requests.problem(request);
    if (problem) return this.refuse(id, problem, method);
    if (isHandshake) {
      // Nothing is read while a handshake runs, so a client may send its first requests right behind it.
      const answered = requests.answer(request);
      return answered instanceof Promise ? answered.then((is) => this.open(is)) : this.open(answered);
    }
    const noRoom = requests.place(request);
    return noRoom ? this.refuse(id, noRoom, method) : undefined;
  }

  private open(isAnswered: boolean): void {
    if (isAnswered) this.dispatch({ kind: 'opened' });
  }

  private refuse(id: string | null, error: KlpError, method?: string): void {
    this.onEvent({ kind: 'request_refused', method, error });
    void this.channel.send(encodeError(id, error, this.contract.errors));
  }

  /** Takes a token of the connection and one of its user; says which was missing. */
  private takeToken(): KlpError | undefined {
    const nowMs = performance.now();
    const { rate, userRate } = this;
    if (!rate.take(nowMs)) return ratePassed('requestsPerMinute', rate.perMinute);
    if (userRate && !userRate.take(nowMs)) return ratePassed('requestsPerUserPerMinute', userRate.perMinute);
    return undefined;
  }

  private noteDrop(method: string): 'dropped' {
    this.droppedCount += 1;
    this.untold.set(method, (this.untold.get(method) ?? 0) + 1);
    this.onEvent({ kind: 'push_dropped', method, droppedCount: this.droppedCount });
    return 'dropped';
  }

  private tellDropped(): void {
    if (this.untold.size === 0) return;
    const body = encodePush(droppedMethod, { counts: Object.fromEntries(this.untold) });
    this.untold.clear();
    void this.channel.send(body);
  }

  private dispatch(event: ServerStep): void {
    const [state, effects] = stepServer(this.state, event);
    this.state = state;
    for (const effect of effects) this.carryOut(effect);
  }

  private carryOut(effect: ServerEffect): void {
    const { limits } = this;
    switch (effect.kind) {
      case 'start_handshake_timer':
        this.timer = setTimeout(() => this.dispatch({ kind: 'late' }), limits.handshakeTimeoutMs);
        break;
      case 'start_drain':
        this.timer = setTimeout(() => this.dispatch({ kind: 'late' }), limits.drainTimeoutMs);
        void this.requests?.idle().then(() => this.dispatch({ kind: 'idle' }));
        break;
      case 'stop_timer':
        clearTimeout(this.timer);
        break;
      case 'end': {
        const late = `no handshake within ${limits.handshakeTimeoutMs} ms`;
        this.channel.end({ kind: 'closed_here', detail: effect.why === 'closed' ? 'closed by the server' : late });
        break;
      }
      case 'abort': {
        const error = new KlpError('Disconnected', `the connection ended: ${effect.reason.kind}`);
        this.life.abort(error);
        this.requests?.abort(error);
        this.onEvent({ kind: 'ended', reason: effect.reason });
      }
    }
  }
}

function isCancel(message: Message): message is Extract<Message, { kind: 'notification' }> {
  return message.kind === 'notification' && message.method === cancelMethod;
}

function ratePassed(limit: string, maximum: number): KlpError {
  return limitError('RateLimit', { limit, maximum, actual: maximum + 1 });
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
