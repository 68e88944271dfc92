import { errorTable, KlpError, type KlpErrorKind, type LimitPassed } from './error.ts';
import { isRecord } from './reserved.ts';

/** A decoded body, classified in the protocol's order: response, request, notification. */
export type Message =
  | { kind: 'request'; id: string; method: string; params: unknown }
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'response'; id: string | null; outcome: ResponseOutcome }
  /** Not JSON or no envelope (`ParseError`, id null), or a request with an id whose envelope is wrong (`InvalidRequest`). */
  | { kind: 'malformed'; id: string | null; error: KlpError };

export type ResponseOutcome = { ok: true; result: unknown } | { ok: false; error: KlpError };

/** Classifies one body. Never throws. Omitted and null `params` become `{}`. */
export function decodeMessage(text: string): Message {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return malformed(null, 'ParseError', 'the body is not JSON');
  }
  if (!isRecord(value)) return malformed(null, 'ParseError', 'the body is not an object');
  if (value.result !== undefined || value.error !== undefined) return decodeResponse(value);
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

function decodeResponse(value: Record<string, unknown>): Message {
  const { id } = value;
  if (value.jsonrpc !== '2.0') return malformed(null, 'ParseError', 'jsonrpc must be "2.0"');
  if (typeof id !== 'string' && id !== null) return malformed(null, 'ParseError', 'the id must be a string or null');
  if (value.error !== undefined && value.error !== null) {
    return { kind: 'response', id, outcome: { ok: false, error: decodeError(value.error) } };
  }
  return { kind: 'response', id, outcome: { ok: true, result: value.result ?? null } };
}

function decodeError(value: unknown): KlpError {
  if (!isRecord(value)) return new KlpError('Unknown', 'the error is not an object');
  const data = isRecord(value.data) ? value.data : {};
  const detail = typeof data.detail === 'string' ? data.detail : undefined;
  const limit = decodeLimit(data.limit);
  return new KlpError(decodeKind(data.kind, value.code), detail, limit ? { limit } : {});
}

function decodeKind(kind: unknown, code: unknown): KlpErrorKind {
  if (typeof kind === 'string') return Object.hasOwn(errorTable, kind) ? (kind as KlpErrorKind) : 'Unknown';
  for (const [name, row] of Object.entries(errorTable)) if (row.code === code) return name as KlpErrorKind;
  return 'Unknown';
}

function decodeLimit(value: unknown): LimitPassed | undefined {
  if (!isRecord(value)) return undefined;
  const { limit, maximum, actual } = value;
  if (typeof limit !== 'string' || typeof maximum !== 'number' || typeof actual !== 'number') return undefined;
  return { limit, maximum, actual };
}

function malformed(id: string | null, kind: KlpErrorKind, detail: string): Message {
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

/** The body of an error answer, its detail cut to 1,000 characters; id null makes it anonymous (about no request in particular). */
export function encodeError(id: string | null, error: KlpError): string {
  const { code, message } = errorTable[error.kind];
  const data = { kind: error.kind, detail: error.detail?.slice(0, detailCharsMax), limit: error.limit };
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, data } });
}
