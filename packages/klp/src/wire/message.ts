/*
 * Envelopes: a body's text ⇄ a message. JSON-RPC keeps method names that begin with `rpc.` for extensions of the protocol; the two that there are
 * (`cancelMethod`, `droppedMethod`) are ignored by a peer that does not know them, as every notification is that it does not know.
 */
import type { ErrorTable } from '../contract.ts';
import { KlpError, type LimitPassed } from './error.ts';

/** A decoded body, classified in the protocol's order: response, request, notification. */
export type Message =
  | { kind: 'request'; id: string; method: string; params: unknown }
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'response'; id: string | null; outcome: ResponseOutcome }
  /** Not JSON or no envelope (`ParseError`, id null), or a request with an id whose envelope is wrong (`InvalidRequest`). */
  | { kind: 'malformed'; id: string | null; error: KlpError };

export type ResponseOutcome = { ok: true; result: unknown } | { ok: false; error: KlpError };

/**
 * Classifies one body. Never throws. Omitted and null `params` become `{}`. An error whose kind is not in the table reads as `Unknown`; without a table
 * its kind is what the peer wrote.
 */
export function decodeMessage(text: string, errors?: ErrorTable): Message {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed(null, 'ParseError', 'the body is not JSON');
  }
  if (!isRecord(value)) return malformed(null, 'ParseError', 'the body is not an object');
  if (value.result !== undefined || value.error !== undefined) return decodeResponse(value, errors);
  if (value.method !== undefined && value.id !== undefined) return decodeRequest(value, value.id);
  if (typeof value.method === 'string' && value.jsonrpc === '2.0') {
    return { kind: 'notification', method: value.method, params: value.params ?? {} };
  }
  return malformed(null, 'ParseError', 'the body is neither a request, a response nor a notification');
}

function decodeRequest(value: Record<string, unknown>, id: unknown): Message {
  if (typeof id !== 'string') return malformed(null, 'ParseError', `the id must be a string: ${typeof id}`);
  if (value.jsonrpc !== '2.0') return malformed(id, 'InvalidRequest', 'jsonrpc must be "2.0"');
  if (typeof value.method !== 'string') return malformed(id, 'InvalidRequest', 'method must be a string');
  return { kind: 'request', id, method: value.method, params: value.params ?? {} };
}

function decodeResponse(value: Record<string, unknown>, errors: ErrorTable | undefined): Message {
  const { id } = value;
  if (value.jsonrpc !== '2.0') return malformed(null, 'ParseError', 'jsonrpc must be "2.0"');
  if (typeof id !== 'string' && id !== null) return malformed(null, 'ParseError', 'the id must be a string or null');
  if (value.error !== undefined && value.error !== null) {
    return { kind: 'response', id, outcome: { ok: false, error: decodeError(value.error, errors) } };
  }
  return { kind: 'response', id, outcome: { ok: true, result: value.result ?? null } };
}

function decodeError(value: unknown, errors: ErrorTable | undefined): KlpError {
  if (!isRecord(value)) return new KlpError('Unknown', 'the error is not an object');
  const data = isRecord(value.data) ? value.data : {};
  const detail = typeof data.detail === 'string' ? data.detail : undefined;
  const limit = decodeLimit(data.limit);
  return new KlpError(decodeKind(data.kind, value.code, errors), detail, limit ? { limit } : {});
}

function decodeKind(kind: unknown, code: unknown, errors: ErrorTable | undefined): string {
  if (typeof kind === 'string') return !errors || Object.hasOwn(errors, kind) ? kind : 'Unknown';
  for (const [name, row] of Object.entries(errors ?? {})) if (row.code === code) return name;
  return 'Unknown';
}

function decodeLimit(value: unknown): LimitPassed | undefined {
  if (!isRecord(value)) return undefined;
  const { limit, maximum, actual } = value;
  if (typeof limit !== 'string' || typeof maximum !== 'number' || typeof actual !== 'number') return undefined;
  return { limit, maximum, actual };
}

function malformed(id: string | null, kind: 'ParseError' | 'InvalidRequest', detail: string): Message {
  return { kind: 'malformed', id, error: new KlpError(kind, detail) };
}

/*
 * Only what is the caller's goes through JSON.stringify: the envelope around it is always the same. What JSON leaves out (undefined) is left out
 * here as well.
 */

/** The body of a request. Throws TypeError when `params` cannot be JSON. */
export function encodeRequest(id: string, method: string, params: unknown): string {
  const text = JSON.stringify(params);
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)}`;
  return text === undefined ? `${head}}` : `${head},"params":${text}}`;
}

/** The body of an answer; an undefined result is sent as null. Throws TypeError when `result` cannot be JSON. */
export function encodeResult(id: string, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${JSON.stringify(result ?? null) ?? 'null'}}`;
}

/** The body of a push. Throws TypeError when `params` cannot be JSON. */
export function encodePush(method: string, params: unknown): string {
  const text = JSON.stringify(params);
  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`;
  return text === undefined ? `${head}}` : `${head},"params":${text}}`;
}

const detailCharsMax = 1_000;

/**
 * The body of an error answer, its detail cut to 1,000 characters; id null makes it anonymous (about no request in particular). Throws TypeError for a
 * kind that the table does not have.
 */
export function encodeError(id: string | null, error: KlpError, errors: ErrorTable): string {
  const row = Object.hasOwn(errors, error.kind) ? errors[error.kind] : undefined;
  if (!row) throw new TypeError(`encode an error: the contract has no kind ${error.kind}`);
  const data = { kind: error.kind, detail: error.detail?.slice(0, detailCharsMax), limit: error.limit };
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: row.code, message: row.message, data } });
}

/** From the client, `{"id":<string>}`: the answer to that request is not wanted any more. */
export const cancelMethod = 'rpc.cancel';

/** From the server, `{"counts":{<push>:<number>}}`: so many droppable pushes were dropped since the last such word. */
export const droppedMethod = 'rpc.dropped';

/** The id in the params of a cancel, or undefined when there is none. */
export function cancelledId(params: unknown): string | undefined {
  const id = isRecord(params) ? params.id : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** The counts in the params of a dropped notice that are whole numbers above 0, undefined without any; unknown pushes are the reader's to judge. */
export function droppedCounts(params: unknown): Record<string, number> | undefined {
  const counts = isRecord(params) && isRecord(params.counts) ? params.counts : {};
  const known = Object.entries(counts).filter(([, count]) => Number.isSafeInteger(count) && (count as number) > 0);
  return known.length === 0 ? undefined : (Object.fromEntries(known) as Record<string, number>);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
