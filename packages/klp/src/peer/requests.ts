/*
 * The requests of one connection, from admission to their one answer.
 *   waiting  no place is free; in order of arrival
 *   running  its handler has not settled; a handler that ends within its turn was never here
 *   settled  answered. A request that was cancelled or passed its deadline is answered before its handler ends: the handler keeps its place
 *            until it does, and what it returns is discarded
 */
import { KlpError, limitError } from '../wire/error.ts';
import { encodeError, encodeResult, type Message } from '../wire/message.ts';
import type { Channel } from './channel.ts';
import type { Contract, MethodName } from './contract.ts';
import { createExpiry } from './expiry.ts';
import type { ServerLimits } from './limits.ts';
import { type ConnectionScope, RequestScope } from './request-scope.ts';
import type { ServeOptions } from './serving.ts';
import { describeIssues, type SchemaResult } from './standard-schema.ts';

export type Request = Extract<Message, { kind: 'request' }>;

export interface Requests {
  /** Why a request cannot be served at all, or undefined. */
  problem(request: Request): KlpError | undefined;
  /** Runs it at once, outside the places. Says, never rejecting, whether it was answered with a result. */
  answer(request: Request): boolean | Promise<boolean>;
  /** Runs it at once or when a place is free; otherwise says why not. */
  place(request: Request): KlpError | undefined;
  /** Answers a request that waits or runs with `Cancelled` and aborts its signal. False when there is none. */
  cancel(id: string): boolean;
  /** Aborts what runs and forgets what waits. */
  abort(reason: unknown): void;
  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void>;
}

interface RequestsOptions<C extends Contract, Peer, Session>
  extends Pick<ServeOptions<C, Peer, Session>, 'contract' | 'handlers' | 'promptMethods' | 'timeoutsMs'>,
    Required<Pick<ServeOptions<C, Peer, Session>, 'onEvent'>> {
  scope: ConnectionScope<C, Peer, Session>;
  send: Channel['send'];
  limits: ServerLimits;
}

type AnyHandler = (params: unknown, context: unknown) => unknown;

interface Running {
  readonly request: Request;
  readonly dueMs: number;
  readonly scope: { abort(reason: unknown): void };
  readonly isPlaced: boolean;
  isSettled: boolean;
  onSettled: ((isResult: boolean) => void) | undefined;
}

interface Started<C extends Contract, Peer, Session> {
  request: Request;
  own: RequestScope<C, Peer, Session>;
  outcome: Promise<unknown>;
  isPlaced: boolean;
  dueMs?: number;
}

export function createRequests<C extends Contract, Peer, Session>(
  options: RequestsOptions<C, Peer, Session>,
): Requests {
  const { contract, handlers, scope, send, limits, onEvent } = options;
  const promptMethods: readonly string[] = options.promptMethods ?? ['system.ping'];
  const timeoutsMs: Readonly<Record<string, number | undefined>> = options.timeoutsMs ?? {};
  const waiting = new Map<string, { request: Request; dueMs: number }>();
  const running = new Map<string, Running>();
  const expiry = createExpiry(endOverdue);
  /** Handlers that have not ended, and those of them that hold a place. */
  let handlerCount = 0;
  let placedCount = 0;
  let isRunningWaiting = false;
  let ended: { reason: unknown } | undefined;
  let onIdle: (() => void)[] = [];

  function findHandler(method: string): AnyHandler | undefined {
    if (!Object.hasOwn(contract.methods, method) || !Object.hasOwn(handlers, method)) return undefined;
    return handlers[method as MethodName<C>] as AnyHandler | undefined;
  }

  function problem({ id, method }: Request): KlpError | undefined {
    if (!findHandler(method)) return new KlpError('MethodNotFound', method.slice(0, 100));
    if (running.has(id) || waiting.has(id)) return new KlpError('InvalidRequest', 'the id is already in use');
    return undefined;
  }

  function timeoutMsOf(method: string): number {
    return (Object.hasOwn(timeoutsMs, method) ? timeoutsMs[method] : undefined) ?? limits.requestTimeoutMs;
  }

  function place(request: Request): KlpError | undefined {
    if (promptMethods.includes(request.method)) {
      run(request, { isPlaced: false });
      return undefined;
    }
    if (placedCount < limits.requestsInFlightMax && waiting.size === 0) {
      run(request, { isPlaced: true });
      return undefined;
    }
    if (waiting.size < limits.requestsWaitingMax) {
      const dueMs = performance.now() + timeoutMsOf(request.method);
      waiting.set(request.id, { request, dueMs });
      expiry.note(dueMs);
      return undefined;
    }
    const maximum = limits.requestsWaitingMax;
    return limitError('RateLimit', { limit: 'requestsWaitingMax', maximum, actual: waiting.size + 1 });
  }

  function runWaiting(): void {
    // A handler that ends within its turn gets here again; the loop that is already running goes on.
    if (isRunningWaiting || waiting.size === 0) return;
    isRunningWaiting = true;
    for (const [id, { request, dueMs }] of waiting) {
      if (placedCount >= limits.requestsInFlightMax) break;
      waiting.delete(id);
      run(request, { isPlaced: true, dueMs });
    }
    isRunningWaiting = false;
  }

  function answer(request: Request): boolean | Promise<boolean> {
    const outcome = run(request, { isPlaced: false });
    if (typeof outcome === 'boolean') return outcome;
    return new Promise((resolve) => {
      outcome.onSettled = resolve;
    });
  }

  /** Runs the handler and answers. Says whether with a result, or, when that is not known within this turn, what runs. */
  function run(request: Request, how: { isPlaced: boolean; dueMs?: number }): boolean | Running {
    const own = new RequestScope(scope);
    if (how.isPlaced) placedCount += 1;
    try {
      const outcome = handle(request, own);
      if (isPromise(outcome)) return watch({ request, own, outcome, ...how });
      const isResult = answerResult(request, outcome);
      leave(how.isPlaced);
      return isResult;
    } catch (cause) {
      answerError(request, cause);
      leave(how.isPlaced);
      return false;
    }
  }

  function leave(isPlaced: boolean): void {
    if (!isPlaced) return;
    placedCount -= 1;
    runWaiting();
  }

  function handle({ method, params }: Request, own: RequestScope<C, Peer, Session>): unknown {
    const checked = contract.methods[method]?.params['~standard'].validate(params);
    const handleChecked = (done: SchemaResult<unknown> | undefined) => {
      if (!done || done.issues) throw new KlpError('InvalidParams', describeIssues(done?.issues ?? []));
      return findHandler(method)?.(done.value, own);
    };
    return checked instanceof Promise ? checked.then(handleChecked) : handleChecked(checked);
  }

  function watch({ request, own, outcome, isPlaced, dueMs }: Started<C, Peer, Session>): Running {
    const entry: Running = {
      request,
      dueMs: dueMs ?? performance.now() + timeoutMsOf(request.method),
      scope: own,
      isPlaced,
      isSettled: false,
      onSettled: undefined,
    };
    handlerCount += 1;
    running.set(request.id, entry);
    if (ended) own.abort(ended.reason);
    else expiry.note(entry.dueMs);
    outcome.then(
      (result) => settle(entry, () => answerResult(request, result)),
      (cause) => settle(entry, () => answerError(request, cause)),
    );
    return entry;
  }

  function settle(entry: Running, respond: () => boolean): void {
    handlerCount -= 1;
    if (entry.isSettled) {
      onEvent({ kind: 'answer_discarded', method: entry.request.method });
    } else {
      forget(entry);
      const isResult = respond();
      entry.onSettled?.(isResult);
    }
    leave(entry.isPlaced);
    tellIdle();
  }

  function forget(entry: Running): void {
    entry.isSettled = true;
    running.delete(entry.request.id);
  }

  /** Answers before the handler has ended. */
  function settleEarly(entry: Running, error: KlpError): void {
    forget(entry);
    entry.scope.abort(error);
    answerError(entry.request, error);
    entry.onSettled?.(false);
  }

  function answerResult(request: Request, result: unknown): boolean {
    try {
      void send(encodeResult(request.id, result));
      return true;
    } catch (cause) {
      return answerError(request, cause);
    }
  }

  function answerError({ id, method }: Request, cause: unknown): false {
    const error = cause instanceof KlpError ? cause : new KlpError('InternalError');
    if (error === cause) onEvent({ kind: 'request_refused', method, error });
    else onEvent({ kind: 'handler_failed', method, error: cause });
    void send(encodeError(id, error));
    return false;
  }

  function cancel(id: string): boolean {
    const error = new KlpError('Cancelled');
    const queued = waiting.get(id);
    if (queued) {
      waiting.delete(id);
      answerError(queued.request, error);
      tellIdle();
      return true;
    }
    const entry = running.get(id);
    if (entry) settleEarly(entry, error);
    return entry !== undefined;
  }

  function endOverdue(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, { request, dueMs }] of waiting) {
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      waiting.delete(id);
      answerError(request, deadlineError(request.method));
    }
    for (const entry of running.values()) {
      if (entry.dueMs > nowMs) nextMs = Math.min(nextMs, entry.dueMs);
      else settleEarly(entry, deadlineError(entry.request.method));
    }
    tellIdle();
    return nextMs;
  }

  function deadlineError(method: string): KlpError {
    const maximum = timeoutMsOf(method);
    return new KlpError('DeadlineExceeded', `${method}: no answer within ${maximum} ms`);
  }

  function tellIdle(): void {
    if (handlerCount > 0 || waiting.size > 0) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  }

  function abort(reason: unknown): void {
    ended = { reason };
    expiry.clear();
    waiting.clear();
    for (const entry of running.values()) entry.scope.abort(reason);
    tellIdle();
  }

  return {
    problem,
    answer,
    place,
    cancel,
    abort,
    idle: () =>
      handlerCount === 0 && waiting.size === 0 ? Promise.resolve() : new Promise((done) => onIdle.push(done)),
  };
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
