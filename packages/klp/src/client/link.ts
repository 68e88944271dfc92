/* One connection of a client: calls out, answers and pushes in. */
import type { Duplex } from 'node:stream';
import { Channel, type OnTrace } from '../channel/channel.ts';
import { createExpiry, type Expiry } from '../channel/late.ts';
import type { EndReason } from '../channel/machine.ts';
import { type Contract, describeIssues, type Push, type SchemaResult, type StandardSchemaV1 } from '../contract.ts';
import type { ClientLimits } from '../limits.ts';
import { KlpError, limitError } from '../wire/error.ts';
import {
  cancelMethod,
  droppedCounts,
  droppedMethod,
  encodePush,
  encodeRequest,
  type Message,
  type ResponseOutcome,
} from '../wire/message.ts';

/** What a client's connection saw that belongs to no call. */
export type LinkEvent =
  /** An answer to no pending call: late, after an abort or a time-out, or invented. */
  | { kind: 'answer_unmatched'; id: string }
  /** An error of the server about no call in particular. */
  | { kind: 'anonymous_error'; error: KlpError }
  /** The server dropped so many droppable pushes, by name, because this client did not read fast enough. */
  | { kind: 'pushes_dropped'; counts: Readonly<Record<string, number>> }
  | { kind: 'message_malformed'; error: KlpError }
  | { kind: 'request_ignored'; method: string }
  /** The contract has no such push: the server is newer. */
  | { kind: 'push_unknown'; method: string }
  | { kind: 'push_invalid'; method: string; detail: string };

export interface LinkEnd {
  reason: EndReason;
  /** The server's refusal of this peer (`Unauthorized`, id null), when it sent one. */
  refusal: KlpError | undefined;
  /** What a pending call was rejected with. */
  error: KlpError;
}

export interface CallOptions {
  /** Rejects the call with the signal's reason and tells the server, which aborts the handler's signal. */
  signal?: AbortSignal;
  /** How long to wait for the answer, in ms. Default the limit `callTimeoutMs`; Infinity for no end. */
  timeoutMs?: number;
}

interface LinkOptions<C extends Contract> {
  contract: C;
  limits: ClientLimits;
  onPush: (push: Push<C>) => void;
  onEvent: (event: LinkEvent) => void;
  onTrace: OnTrace | undefined;
}

interface PendingCall {
  readonly method: string;
  readonly dueMs: number;
  readonly timeoutMs: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (reason: unknown) => void;
  /** Takes the listener off the caller's signal. */
  release: (() => void) | undefined;
}

export class Link<C extends Contract> {
  private readonly options: LinkOptions<C>;
  private readonly channel: Channel;
  private readonly expiry: Expiry;
  private readonly pending = new Map<string, PendingCall>();
  private readonly over = Promise.withResolvers<LinkEnd>();
  private nextId = 1;
  private end: LinkEnd | undefined = undefined;
  private refusal: KlpError | undefined = undefined;

  constructor(duplex: Duplex, options: LinkOptions<C>) {
    const { contract, limits, onTrace } = options;
    this.options = options;
    this.expiry = createExpiry((nowMs) => this.endOverdue(nowMs));
    this.channel = new Channel(duplex, {
      limits,
      errors: contract.errors,
      onMessage: (message) => this.receive(message),
      onEnd: (reason) => this.onEnd(reason),
      onTrace,
    });
  }

  /** Resolves when nothing more will arrive; every pending call was rejected before. */
  get ended(): Promise<LinkEnd> {
    return this.over.promise;
  }

  /** Resolves when the stream is gone. */
  get closed(): Promise<EndReason> {
    return this.channel.closed;
  }

  readonly call = (method: string, params: unknown, { signal, timeoutMs }: CallOptions = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const { pending, options } = this;
      const { callsPendingMax, callTimeoutMs } = options.limits;
      signal?.throwIfAborted();
      if (this.end) throw this.end.error;
      if (pending.size >= callsPendingMax) {
        throw limitError('RateLimit', { limit: 'callsPendingMax', maximum: callsPendingMax, actual: pending.size + 1 });
      }
      const id = String(this.nextId++);
      void this.channel.send(encodeRequest(id, method, params));
      const waitMs = timeoutMs ?? callTimeoutMs;
      const dueMs = performance.now() + waitMs;
      const entry: PendingCall = { method, dueMs, timeoutMs: waitMs, resolve, reject, release: undefined };
      pending.set(id, entry);
      this.expiry.note(dueMs);
      if (signal) this.listen(id, entry, signal);
    });

  close(detail: string): void {
    this.channel.end({ kind: 'closed_here', detail });
  }

  private onEnd(reason: EndReason): void {
    const { refusal } = this;
    const cause = reason.kind === 'io' ? { cause: reason.error } : {};
    const error = refusal ?? new KlpError('Disconnected', `the connection ended: ${reason.kind}`, cause);
    this.end = { reason, refusal, error };
    this.expiry.clear();
    for (const id of this.pending.keys()) this.take(id)?.reject(error);
    this.over.resolve(this.end);
  }

  private take(id: string): PendingCall | undefined {
    const call = this.pending.get(id);
    if (!call) return undefined;
    this.pending.delete(id);
    call.release?.();
    return call;
  }

  private receive(message: Message): void | Promise<void> {
    const { onEvent } = this.options;
    if (message.kind === 'response') return this.receiveResponse(message.id, message.outcome);
    if (message.kind === 'notification') return this.receivePush(message.method, message.params);
    if (message.kind === 'malformed') onEvent({ kind: 'message_malformed', error: message.error });
    else onEvent({ kind: 'request_ignored', method: message.method });
    return undefined;
  }

  private receiveResponse(id: string | null, outcome: ResponseOutcome): void | Promise<void> {
    if (id === null) {
      if (!outcome.ok) this.receiveAnonymous(outcome.error);
      return undefined;
    }
    const call = this.take(id);
    if (!call) {
      this.options.onEvent({ kind: 'answer_unmatched', id });
      return undefined;
    }
    if (!outcome.ok) {
      call.reject(outcome.error);
      return undefined;
    }
    const checked = check(this.options.contract.methods[call.method]?.result, outcome.result);
    return checked instanceof Promise ? checked.then((late) => endCall(call, late)) : endCall(call, checked);
  }

  private receiveAnonymous(error: KlpError): void {
    if (error.kind === 'Unauthorized') this.refusal = error;
    this.options.onEvent({ kind: 'anonymous_error', error });
  }

  private receivePush(method: string, params: unknown): void | Promise<void> {
    const { contract, onEvent } = this.options;
    if (!Object.hasOwn(contract.pushes, method)) {
      const counts = method === droppedMethod ? droppedCounts(params) : undefined;
      if (counts) onEvent({ kind: 'pushes_dropped', counts });
      else onEvent({ kind: 'push_unknown', method });
      return undefined;
    }
    const checked = check(contract.pushes[method], params);
    return checked instanceof Promise
      ? checked.then((late) => this.endPush(method, late))
      : this.endPush(method, checked);
  }

  private endPush(method: string, checked: Checked): void {
    const { onPush, onEvent } = this.options;
    if (checked.problem === undefined) onPush({ method, params: checked.value } as Push<C>);
    else onEvent({ kind: 'push_invalid', method, detail: checked.problem });
  }

  private listen(id: string, entry: PendingCall, signal: AbortSignal): void {
    const onAbort = () => this.giveUp(id, signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    entry.release = () => signal.removeEventListener('abort', onAbort);
  }

  private giveUp(id: string, reason: unknown): void {
    const call = this.take(id);
    if (!call) return;
    call.reject(reason);
    void this.channel.send(encodePush(cancelMethod, { id }));
  }

  private endOverdue(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, { dueMs, method, timeoutMs }] of this.pending) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else this.giveUp(id, new KlpError('DeadlineExceeded', `call ${method}: no answer within ${timeoutMs} ms`));
    }
    return nextMs;
  }
}

function endCall(call: PendingCall, checked: Checked): void {
  if (checked.problem === undefined) {
    call.resolve(checked.value);
  } else {
    const detail = `the result of ${call.method} does not match the contract: ${checked.problem}`;
    call.reject(new KlpError('InternalError', detail));
  }
}

type Checked = { value: unknown; problem?: undefined } | { problem: string };

/** Validates without a turn of the event loop when the schema allows it. Neither throws nor rejects. */
function check(schema: StandardSchemaV1 | undefined, value: unknown): Checked | Promise<Checked> {
  if (!schema) return { problem: 'not in the contract' };
  try {
    const checked = schema['~standard'].validate(value);
    return checked instanceof Promise ? checked.then(read, broken) : read(checked);
  } catch (error) {
    return broken(error);
  }
}

function read(checked: SchemaResult<unknown>): Checked {
  return checked.issues ? { problem: describeIssues(checked.issues) } : { value: checked.value };
}

function broken(error: unknown): Checked {
  return { problem: `the schema failed: ${String(error)}` };
}
