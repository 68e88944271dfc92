import type { Duplex } from 'node:stream';
import { KlpError, limitError } from '../wire/error.ts';
import { encodePush, encodeRequest, type Message, type ResponseOutcome } from '../wire/message.ts';
import { cancelMethod, droppedCounts, droppedMethod } from '../wire/reserved.ts';
import { createChannel, type EndReason } from './channel.ts';
import type { Contract, Push } from './contract.ts';
import { createExpiry } from './expiry.ts';
import type { ClientLimits } from './limits.ts';
import { describeIssues, type SchemaResult, type StandardSchemaV1 } from './standard-schema.ts';
import type { OnTrace } from './trace.ts';

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

/** One connection of a client: calls out, answers and pushes in. */
export interface Link {
  call(method: string, params: unknown, options?: CallOptions): Promise<unknown>;
  close(detail: string): void;
  /** Resolves when nothing more will arrive; every pending call was rejected before. */
  readonly ended: Promise<LinkEnd>;
  /** Resolves when the stream is gone. */
  readonly closed: Promise<EndReason>;
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

export function openLink<C extends Contract>(duplex: Duplex, options: LinkOptions<C>): Link {
  const { contract, limits, onPush, onEvent, onTrace } = options;
  const pending = new Map<string, PendingCall>();
  const ended = Promise.withResolvers<LinkEnd>();
  const expiry = createExpiry(endOverdue);
  let nextId = 1;
  let end: LinkEnd | undefined;
  let refusal: KlpError | undefined;
  const channel = createChannel(duplex, { limits, onMessage: receive, onEnd, onTrace, answersOverLong: false });

  function onEnd(reason: EndReason): void {
    const cause = reason.kind === 'io' ? { cause: reason.error } : {};
    const error = refusal ?? new KlpError('AgentDisconnected', `the connection ended: ${reason.kind}`, cause);
    end = { reason, refusal, error };
    expiry.clear();
    for (const id of pending.keys()) take(id)?.reject(error);
    ended.resolve(end);
  }

  function take(id: string): PendingCall | undefined {
    const call = pending.get(id);
    if (!call) return undefined;
    pending.delete(id);
    call.release?.();
    return call;
  }

  function receive(message: Message): void | Promise<void> {
    if (message.kind === 'response') return receiveResponse(message.id, message.outcome);
    if (message.kind === 'notification') return receivePush(message.method, message.params);
    if (message.kind === 'malformed') onEvent({ kind: 'message_malformed', error: message.error });
    else onEvent({ kind: 'request_ignored', method: message.method });
    return undefined;
  }

  function receiveResponse(id: string | null, outcome: ResponseOutcome): void | Promise<void> {
    if (id === null) {
      if (!outcome.ok) receiveAnonymous(outcome.error);
      return undefined;
    }
    const call = take(id);
    if (!call) {
      onEvent({ kind: 'answer_unmatched', id });
      return undefined;
    }
    if (!outcome.ok) {
      call.reject(outcome.error);
      return undefined;
    }
    const checked = check(contract.methods[call.method]?.result, outcome.result);
    return checked instanceof Promise ? checked.then((late) => endCall(call, late)) : endCall(call, checked);
  }

  function endCall(call: PendingCall, checked: Checked): void {
    if (checked.problem === undefined) {
      call.resolve(checked.value);
    } else {
      const detail = `the result of ${call.method} does not match the contract: ${checked.problem}`;
      call.reject(new KlpError('InternalError', detail));
    }
  }

  function receiveAnonymous(error: KlpError): void {
    if (error.kind === 'Unauthorized') refusal = error;
    onEvent({ kind: 'anonymous_error', error });
  }

  function receivePush(method: string, params: unknown): void | Promise<void> {
    if (!Object.hasOwn(contract.pushes, method)) {
      const counts = method === droppedMethod ? droppedCounts(params) : undefined;
      if (counts) onEvent({ kind: 'pushes_dropped', counts });
      else onEvent({ kind: 'push_unknown', method });
      return undefined;
    }
    const checked = check(contract.pushes[method], params);
    return checked instanceof Promise ? checked.then((late) => endPush(method, late)) : endPush(method, checked);
  }

  function endPush(method: string, checked: Checked): void {
    if (checked.problem === undefined) onPush({ method, params: checked.value } as Push<C>);
    else onEvent({ kind: 'push_invalid', method, detail: checked.problem });
  }

  function call(method: string, params: unknown, { signal, timeoutMs }: CallOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (end) throw end.error;
      if (pending.size >= limits.callsPendingMax) {
        const maximum = limits.callsPendingMax;
        throw limitError('RateLimit', { limit: 'callsPendingMax', maximum, actual: pending.size + 1 });
      }
      const id = String(nextId++);
      void channel.send(encodeRequest(id, method, params));
      const waitMs = timeoutMs ?? limits.callTimeoutMs;
      const dueMs = performance.now() + waitMs;
      const entry: PendingCall = { method, dueMs, timeoutMs: waitMs, resolve, reject, release: undefined };
      pending.set(id, entry);
      expiry.note(dueMs);
      if (signal) listen(id, entry, signal);
    });
  }

  function listen(id: string, entry: PendingCall, signal: AbortSignal): void {
    const onAbort = () => giveUp(id, signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    entry.release = () => signal.removeEventListener('abort', onAbort);
  }

  function giveUp(id: string, reason: unknown): void {
    const call = take(id);
    if (!call) return;
    call.reject(reason);
    void channel.send(encodePush(cancelMethod, { id }));
  }

  function endOverdue(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, { dueMs, method, timeoutMs }] of pending) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else giveUp(id, new KlpError('DeadlineExceeded', `call ${method}: no answer within ${timeoutMs} ms`));
    }
    return nextMs;
  }

  return {
    call,
    close: (detail) => channel.end({ kind: 'closed_here', detail }),
    ended: ended.promise,
    closed: channel.closed,
  };
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
