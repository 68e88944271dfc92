import type { Duplex } from 'node:stream';
import { Channel, type OnTrace } from '../channel/channel.ts';
import type { EndReason } from '../channel/machine.ts';
import { clientLimits } from '../limits.ts';
import { KlpError } from '../wire/error.ts';
import { cancelMethod, encodePush, encodeRequest, type Message, type ResponseOutcome } from '../wire/message.ts';

/** What a server said that is no answer to a call. */
export type TapNote =
  | { kind: 'push'; method: string; params: unknown }
  | { kind: 'anonymous_error'; error: KlpError }
  | { kind: 'odd'; detail: string };

export interface TapSession {
  /** Calls anything; nothing is checked. Rejects with KlpError when no answer comes. */
  call(method: string, params: unknown, options: { timeoutMs: number }): Promise<ResponseOutcome>;
  readonly ended: Promise<EndReason>;
  close(): Promise<void>;
}

interface TapSessionOptions {
  onNote: (note: TapNote) => void;
  onTrace: OnTrace | undefined;
}

/** One connection without a contract: for looking at servers, not for programs. */
export function openTapSession(duplex: Duplex, { onNote, onTrace }: TapSessionOptions): TapSession {
  const pending = new Map<string, PromiseWithResolvers<ResponseOutcome>>();
  const ended = Promise.withResolvers<EndReason>();
  let count = 0;
  const channel = new Channel(duplex, { limits: clientLimits, onMessage: receive, onEnd, onTrace });

  function onEnd(reason: EndReason): void {
    ended.resolve(reason);
    const error = new KlpError('Disconnected', `the connection ended: ${reason.kind}`);
    for (const answer of pending.values()) answer.reject(error);
  }

  function receive(message: Message): void {
    if (message.kind === 'notification') onNote({ kind: 'push', method: message.method, params: message.params });
    else if (message.kind === 'response') receiveResponse(message.id, message.outcome);
    else
      onNote({
        kind: 'odd',
        detail: message.kind === 'request' ? `a request: ${message.method}` : message.error.message,
      });
  }

  function receiveResponse(id: string | null, outcome: ResponseOutcome): void {
    const answer = id === null ? undefined : pending.get(id);
    if (answer) answer.resolve(outcome);
    else if (id === null && !outcome.ok) onNote({ kind: 'anonymous_error', error: outcome.error });
    else onNote({ kind: 'odd', detail: `an answer to no call: id ${id}` });
  }

  async function call(method: string, params: unknown, { timeoutMs }: { timeoutMs: number }): Promise<ResponseOutcome> {
    const id = String(++count);
    const answer = Promise.withResolvers<ResponseOutcome>();
    pending.set(id, answer);
    const timer = setTimeout(() => {
      void channel.send(encodePush(cancelMethod, { id }));
      answer.reject(new KlpError('DeadlineExceeded', `call ${method}: no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    try {
      if ((await channel.send(encodeRequest(id, method, params))) === 'closed') {
        throw new KlpError('Disconnected', 'the connection has ended');
      }
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      pending.delete(id);
    }
  }

  return {
    call,
    ended: ended.promise,
    close: async () => {
      channel.end({ kind: 'closed_here', detail: 'closed by klp-tap' });
      await channel.closed;
    },
  };
}
