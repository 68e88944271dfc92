import { crc32 } from 'node:zlib';
import { OutboxError } from '../core/error.ts';
import type { OutboxLimits } from '../core/limits.ts';

/** What a caller gives to `enqueue`. The body must not change before the promise resolves. */
export interface OutboxRecord {
  /** Unique in the store, 1 to 512 characters; also the message id for whoever receives it. */
  readonly id: string;
  /** Where it goes, in the words of `deliver`; 1 to 4096 characters. */
  readonly subject: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /**
   * Records with the same one are delivered one after the other, in the order in which they were enqueued, whatever their
   * priority: the next waits while an earlier one waits, backs off or is under way. 1 to 512 characters. @defaultValue none
   */
  readonly orderKey?: string;
  /** Higher is delivered first. A whole number. @defaultValue 0 */
  readonly priority?: number;
  /** Not delivered before this instant, milliseconds since 1970. */
  readonly notBeforeMs?: number;
  /** Dropped, counted and reported, when still queued at this instant, milliseconds since 1970. */
  readonly expiresAtMs?: number;
}

/** `kept`: delivered, with a receipt, and still here in case the other side loses it. */
export type RecordState = 'ready' | 'waiting' | 'held' | 'quarantined' | 'kept';

/** A record on its way out, as `deliver` sees it. */
export interface QueuedRecord {
  readonly id: string;
  readonly subject: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly priority: number;
  /** Records with the same one arrive in the order in which they were enqueued; null when order does not matter. */
  readonly orderKey: string | null;
  /** Failed attempts so far. */
  readonly attempts: number;
  readonly enqueuedAtMs: number;
  readonly expiresAtMs: number | null;
}

/** A record in the form in which it is stored. */
export interface EncodedRecord {
  readonly id: string;
  readonly subject: string;
  readonly headers: string;
  readonly orderKey: string | null;
  readonly body: Uint8Array;
  readonly priority: number;
  readonly notBeforeMs: number | null;
  readonly expiresAtMs: number | null;
  readonly bytes: number;
  readonly checksum: number;
}

const idCharsMax = 512;
const subjectCharsMax = 4096;
const orderKeyCharsMax = 512;

/**
 * Checks a record and puts it into the form of the store; headers are sorted so that equal ones are equal bytes.
 * @throws TypeError or RangeError for a record that breaks its type, OutboxError `record_too_large`
 */
export function encodeRecord(record: OutboxRecord, limits: OutboxLimits): EncodedRecord {
  const id = text('id', record.id, idCharsMax);
  const subject = text('subject', record.subject, subjectCharsMax);
  const { body } = record;
  if (!(body instanceof Uint8Array)) throw new TypeError(`Cannot enqueue ${id}: body is not a Uint8Array`);
  if (body.byteLength > limits.bodyBytesMax) {
    const exceeded = { limit: 'bodyBytesMax', maximum: limits.bodyBytesMax, actual: body.byteLength };
    throw new OutboxError(
      'record_too_large',
      `Cannot enqueue ${id}: its body has ${exceeded.actual} bytes, ${exceeded.maximum} are allowed`,
      { exceeded },
    );
  }
  const headers = encodeHeaders(id, record.headers);
  const orderKey = record.orderKey === undefined ? null : text('orderKey', record.orderKey, orderKeyCharsMax);
  return {
    id,
    subject,
    headers,
    orderKey,
    body,
    priority: whole('priority', record.priority ?? 0),
    notBeforeMs: record.notBeforeMs === undefined ? null : whole('notBeforeMs', record.notBeforeMs),
    expiresAtMs: record.expiresAtMs === undefined ? null : whole('expiresAtMs', record.expiresAtMs),
    bytes: body.byteLength + Buffer.byteLength(id) + Buffer.byteLength(subject) + Buffer.byteLength(headers),
    checksum: checksumOf({ id, subject, headers, orderKey, body }),
  };
}

/** SQLite does not notice a flipped bit inside a body; this does. */
export function checksumOf({ id, subject, headers, orderKey, body }: Checked): number {
  // As JSON with the length, so that bytes cannot move from one field to the next unnoticed. Version 1 had no order key.
  const key = orderKey === null ? '' : `,${JSON.stringify(orderKey)}`;
  const head = `[${JSON.stringify(id)},${JSON.stringify(subject)},${JSON.stringify(headers)},${body.byteLength}${key}]`;
  return crc32(body, crc32(head));
}

/**
 * Whether a stored row is what was enqueued. A flipped bit may also change the type of a column, so nothing is taken for what it
 * is declared to be. Rows of version 1 have no order key.
 */
export function isIntact(row: Readonly<Record<string, unknown>>): boolean {
  const { id, subject, headers, body } = row;
  const orderKey = row.order_key ?? null;
  if (typeof id !== 'string' || typeof subject !== 'string' || typeof headers !== 'string') return false;
  if (!(body instanceof Uint8Array) || (orderKey !== null && typeof orderKey !== 'string')) return false;
  return checksumOf({ id, subject, headers, orderKey, body: body as Uint8Array<ArrayBuffer> }) === row.checksum;
}

type Checked = Pick<EncodedRecord, 'id' | 'subject' | 'headers' | 'orderKey' | 'body'>;

function encodeHeaders(id: string, headers: Readonly<Record<string, string>> | undefined): string {
  if (headers === undefined) return '{}';
  if (typeof headers !== 'object' || headers === null) throw new TypeError(`Cannot enqueue ${id}: headers: ${headers}`);
  const entries = Object.entries(headers).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [name, value] of entries) {
    if (typeof value !== 'string') throw new TypeError(`Cannot enqueue ${id}: header ${name}: ${typeof value}`);
  }
  return JSON.stringify(Object.fromEntries(entries));
}

function text(field: string, value: unknown, charsMax: number): string {
  if (typeof value !== 'string')
    throw new TypeError(`Cannot enqueue a record: ${field} is ${typeof value}, not a string`);
  if (value.length === 0 || value.length > charsMax) {
    throw new RangeError(
      `Cannot enqueue a record: ${field} has ${value.length} characters, 1 to ${charsMax} are allowed`,
    );
  }
  // SQLite stores text as UTF-8, which has no lone surrogates; NUL ends text in its shell.
  if (!value.isWellFormed() || value.includes('\0')) {
    throw new RangeError(`Cannot enqueue a record: ${field} is not well-formed text: ${JSON.stringify(value)}`);
  }
  return value;
}

function whole(field: string, value: unknown): number {
  if (!Number.isSafeInteger(value))
    throw new RangeError(`Cannot enqueue a record: ${field}: ${value}, give a whole number`);
  return value as number;
}
