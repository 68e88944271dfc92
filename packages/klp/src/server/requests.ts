/*
 * The requests of one connection, from admission to their one answer.
 *   waiting  no place is free; in order of arrival
 *   running  its handler has not settled; a handler that ends within its turn was never here
 *   settled  answered. A request that was cancelled or passed its deadline is answered before its handler ends: the handler keeps its place
 *            until it does, and what it returns is discarded
 */
import { createExpiry, type Expiry, LateSignal } from '../channel/late.ts';
import { type Contract, describeIssues, type MethodName, type SchemaResult } from '../contract.ts';
import { KlpError, limitError } from '../wire/error.ts';
import { encodeError, encodeResult, type Message } from '../wire/message.ts';
import type { ConnectionScope, RequestContext, RequestsOptions, SendPush } from './serving.ts';

export type Request = Extract<Message, { kind: 'request' }>;

type AnyHandler = (params: unknown, context: unknown) => unknown;

interface Running {
  readonly request: Request;
  readonly dueMs: number;
  readonly scope: { abort(reason: unknown): void };
  readonly isPlaced: boolean;
  isSettled: boolean;
  onSettled: ((isResult: boolean) => void) | undefined;
}

/** How a request runs: at a place or beside them, and until when when that is known. */
interface Run {
  readonly isPlaced: boolean;
  readonly dueMs?: number;
}

const placed: Run = { isPlaced: true };
const beside: Run = { isPlaced: false };

export class Requests<C extends Contract, Peer, Session> {
  private readonly options: RequestsOptions<C, Peer, Session>;
  private readonly waiting = new Map<string, { request: Request; dueMs: number }>();
  private readonly running = new Map<string, Running>();
  private readonly expiry: Expiry;
  /** Handlers that have not ended, and those of them that hold a place. */
  private handlerCount = 0;
  private placedCount = 0;
  private isRunningWaiting = false;
  private ended: { reason: unknown } | undefined = undefined;
  private onIdle: (() => void)[] = [];

  constructor(options: RequestsOptions<C, Peer, Session>) {
    this.options = options;
    this.expiry = createExpiry((nowMs) => this.endOverdue(nowMs));
  }

  /** Why a request cannot be served at all, or undefined. */
  problem({ id, method }: Request): KlpError | undefined {
    if (!this.findHandler(method)) return new KlpError('MethodNotFound', method.slice(0, 100));
    if (!this.running.has(id) && !this.waiting.has(id)) return undefined;
    return new KlpError('InvalidRequest', 'the id is already in use');
  }

  /** Runs it at once, outside the places. Says, never rejecting, whether it was answered with a result. */
  answer(request: Request): boolean | Promise<boolean> {
    const outcome = this.run(request, beside);
    if (typeof outcome === 'boolean') return outcome;
    return new Promise((resolve) => {
      outcome.onSettled = resolve;
    });
  }

  /** Runs it at once or when a place is free; otherwise says why not. */
  place(request: Request): KlpError | undefined {
    const { contract, limits } = this.options;
    if (contract.prompt?.includes(request.method)) {
      this.run(request, beside);
      return undefined;
    }
    if (this.placedCount < limits.requestsInFlightMax && this.waiting.size === 0) {
      this.run(request, placed);
      return undefined;
    }
    const maximum = limits.requestsWaitingMax;
    const actual = this.waiting.size + 1;
    if (actual > maximum) return limitError('RateLimit', { limit: 'requestsWaitingMax', maximum, actual });
    const dueMs = performance.now() + this.timeoutMsOf(request.method);
    this.waiting.set(request.id, { request, dueMs });
    this.expiry.note(dueMs);
    return undefined;
  }

  /** Answers a request that waits or runs with `Cancelled` and aborts its signal. False when there is none. */
  cancel(id: string): boolean {
    const queued = this.waiting.get(id);
    if (queued) {
      this.waiting.delete(id);
      this.answerError(queued.request, new KlpError('Cancelled'));
      this.tellIdle();
      return true;
    }
    const entry = this.running.get(id);
    if (entry) this.settleEarly(entry, new KlpError('Cancelled'));
    return entry !== undefined;
  }

  /** Aborts what runs and forgets what waits. */
  abort(reason: unknown): void {
    this.ended = { reason };
    this.expiry.clear();
    this.waiting.clear();
    for (const entry of this.running.values()) entry.scope.abort(reason);
    this.tellIdle();
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.handlerCount === 0 && this.waiting.size === 0) return Promise.resolve();
    return new Promise((done) => this.onIdle.push(done));
  }

  private findHandler(method: string): AnyHandler | undefined {
    const { contract, handlers } = this.options;
    if (!Object.hasOwn(contract.methods, method) || !Object.hasOwn(handlers, method)) return undefined;
    return handlers[method as MethodName<C>] as AnyHandler | undefined;
  }

  private timeoutMsOf(method: string): number {
    const { timeoutsMs, limits } = this.options;
    return (Object.hasOwn(timeoutsMs, method) ? timeoutsMs[method] : undefined) ?? limits.requestTimeoutMs;
  }

  private runWaiting(): void {
    // A handler that ends within its turn gets here again; the loop that is already running goes on.
    if (this.isRunningWaiting || this.waiting.size === 0) return;
    this.isRunningWaiting = true;
    for (const [id, { request, dueMs }] of this.waiting) {
      if (this.placedCount >= this.options.limits.requestsInFlightMax) break;
      this.waiting.delete(id);
      this.run(request, { isPlaced: true, dueMs });
    }
    this.isRunningWaiting = false;
  }

  /** Runs the handler and answers. Says whether with a result, or, when that is not known within this turn, what runs. */
  private run(request: Request, how: Run): boolean | Running {
    const own = new RequestScope(this.options.scope);
    if (how.isPlaced) this.placedCount += 1;
    try {
      const outcome = this.handle(request, own);
      if (isPromise(outcome)) return this.watch(request, own, outcome, how);
      const isResult = this.answerResult(request, outcome);
      this.leave(how.isPlaced);
      return isResult;
    } catch (cause) {
      this.answerError(request, cause);
      this.leave(how.isPlaced);
      return false;
    }
  }

  private leave(isPlaced: boolean): void {
    if (!isPlaced) return;
    this.placedCount -= 1;
    this.runWaiting();
  }

  private handle({ method, params }: Request, own: RequestScope<C, Peer, Session>): unknown {
    const checked = this.options.contract.methods[method]?.params['~standard'].validate(params);
    if (checked instanceof Promise) return checked.then((late) => this.handleChecked(method, late, own));
    return this.handleChecked(method, checked, own);
  }

  private handleChecked(method: string, checked: SchemaResult<unknown> | undefined, own: unknown): unknown {
    if (!checked || checked.issues) throw new KlpError('InvalidParams', describeIssues(checked?.issues ?? []));
    return this.findHandler(method)?.(checked.value, own);
  }

  private watch(
    request: Request,
    scope: RequestScope<C, Peer, Session>,
    outcome: Promise<unknown>,
    { isPlaced, dueMs = performance.now() + this.timeoutMsOf(request.method) }: Run,
  ): Running {
    const entry: Running = { request, dueMs, scope, isPlaced, isSettled: false, onSettled: undefined };
    this.handlerCount += 1;
    this.running.set(request.id, entry);
    if (this.ended) scope.abort(this.ended.reason);
    else this.expiry.note(dueMs);
    outcome.then(
      (result) => this.settle(entry, { result }),
      (cause) => this.settle(entry, { cause }),
    );
    return entry;
  }

  private settle(entry: Running, outcome: { result: unknown } | { cause: unknown }): void {
    const { request } = entry;
    this.handlerCount -= 1;
    if (entry.isSettled) {
      this.options.onEvent({ kind: 'answer_discarded', method: request.method });
    } else {
      this.forget(entry);
      const isResult =
        'cause' in outcome ? this.answerError(request, outcome.cause) : this.answerResult(request, outcome.result);
      entry.onSettled?.(isResult);
    }
    this.leave(entry.isPlaced);
    this.tellIdle();
  }

  private forget(entry: Running): void {
    entry.isSettled = true;
    this.running.delete(entry.request.id);
  }

  /** Answers before the handler has ended. */
  private settleEarly(entry: Running, error: KlpError): void {
    this.forget(entry);
    entry.scope.abort(error);
    this.answerError(entry.request, error);
    entry.onSettled?.(false);
  }

  private answerResult(request: Request, result: unknown): boolean {
    try {
      void this.options.channel.send(encodeResult(request.id, result));
      return true;
    } catch (cause) {
      return this.answerError(request, cause);
    }
  }

  /** What is no error of the contract is answered `InternalError`, without a word of what it was. */
  private answerError({ id, method }: Request, cause: unknown): false {
    const { channel, contract, onEvent } = this.options;
    // A handler that stopped because the connection is gone did as it was told; nobody is there to hear it.
    if (cause instanceof KlpError && this.ended?.reason === cause) {
      onEvent({ kind: 'request_refused', method, error: cause });
    } else if (cause instanceof KlpError && Object.hasOwn(contract.errors, cause.kind)) {
      onEvent({ kind: 'request_refused', method, error: cause });
      void channel.send(encodeError(id, cause, contract.errors));
    } else {
      onEvent({ kind: 'handler_failed', method, error: cause });
      void channel.send(encodeError(id, new KlpError('InternalError'), contract.errors));
    }
    return false;
  }

  private endOverdue(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, { request, dueMs }] of this.waiting) {
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        continue;
      }
      this.waiting.delete(id);
      this.answerError(request, this.deadlineError(request.method));
    }
    for (const entry of this.running.values()) {
      if (entry.dueMs > nowMs) nextMs = Math.min(nextMs, entry.dueMs);
      else this.settleEarly(entry, this.deadlineError(entry.request.method));
    }
    this.tellIdle();
    return nextMs;
  }

  private deadlineError(method: string): KlpError {
    return new KlpError('DeadlineExceeded', `${method}: no answer within ${this.timeoutMsOf(method)} ms`);
  }

  private tellIdle(): void {
    if (this.handlerCount > 0 || this.waiting.size > 0) return;
    for (const resolve of this.onIdle) resolve();
    this.onIdle = [];
  }
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

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
