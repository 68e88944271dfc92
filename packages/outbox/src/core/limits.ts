import type { DurableLimits } from '@kanade/durable';

/** Every bound of an outbox with its unit; those of its file are `DurableLimits`. `resolveOutboxLimits` holds the defaults. */
export interface OutboxLimits {
  /** Largest body of one record, bytes. @defaultValue 67_108_864 (64 MiB) */
  readonly bodyBytesMax: number;
  /** Queued records (quarantine not counted). @defaultValue 1_000_000 */
  readonly recordsMax: number;
  /** Queued bytes: body, subject, id and headers (quarantine not counted). @defaultValue 1_073_741_824 (1 GiB) */
  readonly bytesMax: number;
  /**
   * What an enqueue over budget does. `'refuse'`: it fails and nothing else happens. `'drop-expired-first'`: expired records go;
   * if that is not enough it fails. `'drop-oldest-of-priority'`: after the expired ones, the oldest records of the lowest
   * priority go, up to the new record's own priority; if that would not be enough it fails and they stay.
   * @defaultValue 'drop-expired-first'
   */
  readonly whenFull: 'refuse' | 'drop-expired-first' | 'drop-oldest-of-priority';
  /** Quarantined records; the oldest goes first. @defaultValue 10_000 */
  readonly quarantineRecordsMax: number;
  /** Quarantined bytes; the oldest goes first. @defaultValue 268_435_456 (256 MiB) */
  readonly quarantineBytesMax: number;
  /** Delivered records that are kept with their receipt; the oldest goes first. @defaultValue 10_000 */
  readonly keptRecordsMax: number;
  /** Bytes of them; the oldest goes first. @defaultValue 67_108_864 (64 MiB) */
  readonly keptBytesMax: number;
  /** Failed attempts after which a record is quarantined. @defaultValue 10 */
  readonly attemptsMax: number;
  /** Wait after the first failure; doubles from there. @defaultValue 1_000 */
  readonly backoffFirstMs: number;
  /** Longest wait between two attempts. @defaultValue 300_000 (5 min) */
  readonly backoffMaxMs: number;
  /** Time one `deliver` has before its attempt counts as failed. @defaultValue 30_000 */
  readonly deliverTimeoutMs: number;
  /** Time deliveries have to end after the drain was told to stop. @defaultValue 5_000 */
  readonly stopGraceMs: number;
  /** How often an idle drainer looks without having been woken (other processes, `isOnline`). @defaultValue 1_000 */
  readonly pollMs: number;
  /**
   * How long a delivered record may wait for others to be removed in one commit with them; a crash meanwhile delivers it again.
   * @defaultValue 0: it is removed at once
   */
  readonly removeWaitMs: number;
  /** Bodies of the deliveries under way; at least one is always allowed. @defaultValue 67_108_864 (64 MiB) */
  readonly inFlightBytesMax: number;
  /** Drops that `drops` remembers; the oldest is forgotten first. @defaultValue 10_000 */
  readonly dropsKeptMax: number;
  /** Rows one `list` returns at most. @defaultValue 1_000 */
  readonly listRecordsMax: number;
}

const defaults: OutboxLimits = {
  bodyBytesMax: 64 * 1024 * 1024,
  recordsMax: 1_000_000,
  bytesMax: 1024 * 1024 * 1024,
  whenFull: 'drop-expired-first',
  quarantineRecordsMax: 10_000,
  quarantineBytesMax: 256 * 1024 * 1024,
  keptRecordsMax: 10_000,
  keptBytesMax: 64 * 1024 * 1024,
  attemptsMax: 10,
  backoffFirstMs: 1_000,
  backoffMaxMs: 300_000,
  deliverTimeoutMs: 30_000,
  stopGraceMs: 5_000,
  pollMs: 1_000,
  removeWaitMs: 0,
  inFlightBytesMax: 64 * 1024 * 1024,
  dropsKeptMax: 10_000,
  listRecordsMax: 1_000,
};

const policies: readonly unknown[] = ['refuse', 'drop-expired-first', 'drop-oldest-of-priority'];

/** Limits that may be zero: nothing kept in quarantine or after its delivery, no drop remembered, no grace, no wait. */
const mayBeZero: readonly string[] = [
  'quarantineRecordsMax',
  'quarantineBytesMax',
  'keptRecordsMax',
  'keptBytesMax',
  'dropsKeptMax',
  'stopGraceMs',
  'removeWaitMs',
];

/** Fills in the defaults. @throws RangeError for a limit that is not a positive whole number */
export function resolveOutboxLimits(given: Partial<OutboxLimits> = {}): OutboxLimits {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  for (const [name, value] of set) {
    if (!Object.hasOwn(defaults, name)) throw new RangeError(`Cannot use a limit that does not exist: ${name}`);
    if (name === 'whenFull') {
      if (!policies.includes(value))
        throw new RangeError(`Cannot use limit whenFull: ${value}, give ${policies.join(', ')}`);
      continue;
    }
    const least = mayBeZero.includes(name) ? 0 : 1;
    if (!Number.isSafeInteger(value) || (value as number) < least) {
      throw new RangeError(`Cannot use limit ${name}: ${value}, give a whole number >= ${least}`);
    }
  }
  return { ...defaults, ...Object.fromEntries(set) };
}

/** Limits of an outbox and of the file that it opens, told apart. */
export function splitLimits(given: Partial<OutboxLimits & DurableLimits> = {}): {
  own: Partial<OutboxLimits>;
  ofFile: Partial<DurableLimits>;
} {
  const entries = Object.entries(given);
  const isOwn = ([name]: [string, unknown]) => Object.hasOwn(defaults, name);
  return {
    own: Object.fromEntries(entries.filter(isOwn)),
    ofFile: Object.fromEntries(entries.filter((entry) => !isOwn(entry))),
  };
}
