import type { Duplex } from 'node:stream';
import { KlpError, limitError } from '../wire/error.ts';
import { encodeRequest, type Message, type ResponseOutcome } from '../wire/message.ts';
import { createChannel, type EndReason } from './channel.ts';
import type { Contract, Push } from './contract.ts';
import type { ClientLimits } from './limits.ts';
import { describeIssues, type StandardSchemaV1 } from './standard-schema.ts';

/** What a client's connection saw that belongs to no call. */
export type LinkEvent =
  /** An answer to no pending call: late, after an abort or a time-out, or invented. */
  | { kind: 'answer_unmatched'; id: string }
  /** An error of the server about no call in particular. */
  | { kind: 'anonymous_error'; error: KlpError }
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

/** One connection of a client: calls out, answers and pushes in. */
export interface Link {
  call(method: string, params: unknown, options?: { signal?: AbortSignal }): Promise<unknown>;
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
}

interface PendingCall {
  method: string;
  settle: (outcome: ResponseOutcome) => void;
}

export function openLink<C extends Contract>(duplex: Duplex, options: LinkOptions<C>): Link {
  const { contract, limits, onPush, onEvent } = options;
  const pending = new Map<string, PendingCall>();
  const ended = Promise.withResolvers<LinkEnd>();
  let nextId = 1;
  let end: LinkEnd | undefined;
  let refusal: KlpError | undefined;
  const channel = createChannel(duplex, { limits, onMessage: receive, onEnd, answersOverLong: false });

  function onEnd(reason: EndReason): void {
    const cause = reason.kind === 'io' ? { cause: reason.error } : {};
    const error = refusal ?? new KlpError('AgentDisconnected', `the connection ended: ${reason.kind}`, cause);
    end = { reason, refusal, error };
    for (const { settle } of pending.values()) settle({ ok: false, error });
    pending.clear();
    ended.resolve(end);
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
    const waiting = pending.get(id);
    if (!waiting) {
      onEvent({ kind: 'answer_unmatched', id });
      return undefined;
    }
    pending.delete(id);
    if (!outcome.ok) return waiting.settle(outcome);
    const schema = contract.methods[waiting.method]?.result;
    return check(schema, outcome.result, (value, problem) => {
      if (problem === undefined) waiting.settle({ ok: true, result: value });
      else
        waiting.settle({
          ok: false,
          error: new KlpError(
            'InternalError',
            `the result of ${waiting.method} does not match the contract: ${problem}`,
          ),
        });
    });
  }

  function receiveAnonymous(error: KlpError): void {
    if (error.kind === 'Unauthorized') refusal = error;
    onEvent({ kind: 'anonymous_error', error });
  }

  function receivePush(method: string, params: unknown): void | Promise<void> {
    if (!Object.hasOwn(contract.pushes, method)) {
      onEvent({ kind: 'push_unknown', method });
      return undefined;
    }
    return check(contract.pushes[method], params, (value, problem) => {
      if (problem === undefined) onPush({ method, params: value } as Push<C>);
      else onEvent({ kind: 'push_invalid', method, detail: problem });
    });
  }

  async function call(method: string, params: unknown, { signal }: { signal?: AbortSignal } = {}): Promise<unknown> {
    signal?.throwIfAborted();
    if (end) throw end.error;
    if (pending.size >= limits.callsPendingMax) {
      const maximum = limits.callsPendingMax;
      throw limitError('RateLimit', { limit: 'callsPendingMax', maximum, actual: pending.size + 1 });
    }
    const id = String(nextId++);
    const body = encodeRequest(id, method, params);
    const answer = Promise.withResolvers<ResponseOutcome>();
    const timer = setTimeout(() => {
      answer.resolve({
        ok: false,
        error: new KlpError('AgentDisconnected', `call ${method}: no answer within ${limits.callTimeoutMs} ms`),
      });
    }, limits.callTimeoutMs);
    const onAbort = () => answer.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    pending.set(id, { method, settle: answer.resolve });
    try {
      void channel.send(body);
      const outcome = await answer.promise;
      if (outcome.ok) return outcome.result;
      throw outcome.error;
    } finally {
      pending.delete(id);
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    call,
    close: (detail) => channel.end({ kind: 'closed_here', detail }),
    ended: ended.promise,
    closed: channel.closed,
  };
}

/** Validates without a turn of the event loop when the schema allows it; the returned promise keeps the order of arrival otherwise. */
function check(
  schema: StandardSchemaV1 | undefined,
  value: unknown,
  done: (value: unknown, problem?: string) => void,
): void | Promise<void> {
  if (!schema) return done(undefined, 'not in the contract');
  try {
    const checked = schema['~standard'].validate(value);
    if (!(checked instanceof Promise)) {
      return checked.issues ? done(undefined, describeIssues(checked.issues)) : done(checked.value);
    }
    return checked.then(
      (later) => (later.issues ? done(undefined, describeIssues(later.issues)) : done(later.value)),
      (error: unknown) => done(undefined, `the schema failed: ${String(error)}`),
    );
  } catch (error) {
    return done(undefined, `the schema failed: ${String(error)}`);
  }
}
