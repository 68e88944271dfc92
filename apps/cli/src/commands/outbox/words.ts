/** What the words and options of an outbox call mean, and how answers spell a record. The outbox itself is loaded when it is opened. */
import type { Outbox, OutboxInspector, RecordState, RecordSummary, Selection } from '@kanade/outbox';
import { type Context, oneWord, UsageError } from '../../call/command.ts';

/** The file that a call is about. */
export interface FileChoice {
  readonly path: string;
  /** The table that was named; undefined = the only one. */
  readonly table: string | undefined;
  readonly signal: AbortSignal;
}

/** The place that a call names first, and the ids behind it. Throws {@link UsageError}. */
export function fileAndIds(words: readonly string[], { given, io }: Context): [FileChoice, readonly string[]] {
  const [path, ...ids] = words;
  if (path === undefined || path === '') throw new UsageError('FILE is missing');
  return [{ path, table: given.table as string | undefined, signal: io.signal }, ids];
}

/** The place that a call names, and nothing else. Throws {@link UsageError}. */
export function oneFile(words: readonly string[], context: Context): FileChoice {
  oneWord(words, 'FILE');
  return fileAndIds(words, context)[0];
}

/** Opens the file for reading, hands it over and closes it afterwards. Throws OutboxError. */
export const withLook = <T>(place: FileChoice, use: (look: OutboxInspector) => Promise<T>): Promise<T> =>
  import('./open.ts').then(({ looking }) => looking(place, use));

/** The same for a change beside its owner. */
export const withOutbox = <T>(place: FileChoice, use: (outbox: Outbox) => Promise<T>): Promise<T> =>
  import('./open.ts').then(({ changing }) => changing(place, use));

export const states: readonly string[] = ['ready', 'waiting', 'held', 'quarantined', 'kept'];

/** The state that an option names; undefined when it was not given. */
export function stateOption(given: string | undefined): RecordState | undefined {
  if (given !== undefined && !states.includes(given))
    throw new UsageError(`option --state must be one of ${states.join(', ')}: ${given}`);
  return given as RecordState | undefined;
}

/** Which records a change is for: the ids that were given, or all of one state when that was asked for in so many words. */
export function selection(
  ids: readonly string[],
  { all, state }: { all: boolean | undefined; state: string | undefined },
): Selection {
  if (ids.length > 0 && all) throw new UsageError('give IDs or --all, not both');
  if (ids.length > 0 && state !== undefined) throw new UsageError('option --state goes with --all');
  if (ids.length > 0) return { ids };
  if (!all) throw new UsageError('IDs are missing; --all means every quarantined record, or every one of --state');
  return { state: stateOption(state) ?? 'quarantined' };
}

export const pageOptions = {
  after: {
    kind: 'count',
    value: 'CURSOR',
    help: 'go on behind this place: next_after of the answer before (default 0)',
  },
  limit: { kind: 'count', value: 'N', help: 'at most so many, up to 1000 (default 100)' },
} as const;

/** Options of `list` from those of a call. */
export function pageOf({ after, limit }: { after: number | undefined; limit: number | undefined }) {
  if (limit !== undefined && (limit < 1 || limit > 1_000))
    throw new UsageError(`option --limit must be between 1 and 1000: ${limit}`);
  return { after: after ?? 0, limit: limit ?? 100 };
}

/** Where the next page begins, null after a page that was not full. */
export function nextAfter(rows: readonly { readonly cursor: number }[], limit: number): number | null {
  return rows.length === limit ? (rows.at(-1)?.cursor ?? null) : null;
}

/** A record as answers spell it. */
export function spell(record: RecordSummary) {
  return {
    id: record.id,
    subject: record.subject,
    state: record.state,
    headers: record.headers,
    priority: record.priority,
    order_key: record.orderKey,
    attempts: record.attempts,
    reason: record.reason,
    receipt: record.receipt,
    bytes: record.bytes,
    enqueued_at: instant(record.enqueuedAtMs),
    due_at: instant(record.dueAtMs),
    expires_at: instant(record.expiresAtMs),
  };
}

/** An instant for an answer; a number that is none stays one. */
export function instant(ms: number | null): string | number | null {
  if (ms === null) return null;
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : ms;
}
