import type { TraceEntry } from '../channel/channel.ts';
import { decodeMessage, type Message } from '../wire/message.ts';

export interface TraceShape {
  /** Whose connection it was, in the writer's words. */
  label?: string;
  /** Milliseconds since 1970. */
  atMs: number;
  /** Also show params, results and error details. They hold what users typed and programs printed: passwords too. */
  bodies?: boolean;
}

/** One frame as one line of JSON: time, label, direction, bytes, and what it is. Without `bodies` it shows only names, ids, sizes and error kinds. */
export function formatTrace({ direction, body }: TraceEntry, { label, atMs, bodies = false }: TraceShape): string {
  const head = { at: new Date(atMs).toISOString(), label, direction };
  if (body === undefined) return JSON.stringify({ ...head, kind: 'not_utf8' });
  const message = decodeMessage(body);
  return JSON.stringify({
    ...head,
    bytes: Buffer.byteLength(body),
    ...envelopeOf(message),
    ...(bodies ? bodyOf(message) : {}),
  });
}

function envelopeOf(message: Message): Record<string, unknown> {
  if (message.kind === 'request') return { kind: message.kind, id: message.id, method: message.method };
  if (message.kind === 'notification') return { kind: message.kind, method: message.method };
  if (message.kind === 'malformed') return { kind: message.kind, id: message.id, error: message.error.kind };
  if (message.outcome.ok) return { kind: message.kind, id: message.id };
  return { kind: message.kind, id: message.id, error: message.outcome.error.kind };
}

function bodyOf(message: Message): Record<string, unknown> {
  if (message.kind === 'request' || message.kind === 'notification') return { params: message.params };
  if (message.kind === 'malformed') return { detail: message.error.detail };
  const { outcome } = message;
  return outcome.ok ? { result: outcome.result } : { detail: outcome.error.detail, limit: outcome.error.limit };
}
