import {
  type Clock,
  type Durable,
  type DurableLimits,
  openDurable,
  systemClock,
  type Transaction,
} from '@kanade/durable';
import { asOutboxError, OutboxError } from '../core/error.ts';
import { createEmit, droppedEvent, type Emit, type OutboxEvent } from '../core/event.ts';
import { type OutboxLimits, resolveOutboxLimits, splitLimits } from '../core/limits.ts';
import { type DrainOptions, type DrainReport, drain, type Wakeup } from '../drain/drain.ts';
import { checkTable, outboxPart } from '../rows/part.ts';
import { type Insertion, insertRecord } from '../rows/queue.ts';
import { encodeRecord, type OutboxRecord } from '../rows/record.ts';
import { createStore } from '../rows/store.ts';
import { createReading, type OutboxLook } from './reading.ts';
import { createRepair, type OutboxRepair } from './repair.ts';

interface OutboxOptions {
  /** Name of the table; letters, digits and `_`, at most 48. @defaultValue 'outbox' */
  readonly table?: string;
  readonly clock?: Clock;
  /** Jitter of the back-off, in [0, 1). @defaultValue Math.random */
  readonly random?: () => number;
  /** What it throws harms nothing and is told once, as a process warning. */
  readonly onEvent?: (event: OutboxEvent) => void;
}

/** An outbox in a durable file that was opened with `outboxPart(table)` among its parts; who opened it closes it, after the outbox. */
export interface OutboxInFile extends OutboxOptions {
  readonly durable: Durable;
  readonly path?: never;
  readonly as?: never;
  readonly limits?: Partial<OutboxLimits>;
}

/** An outbox with a file of its own. */
export interface OutboxAtPath extends OutboxOptions {
  /** Made when missing, set aside and salvaged when damaged. */
  readonly path: string;
  readonly durable?: never;
  /** `'guest'`: an existing, sound file is changed beside its owner; nothing is made, brought up to date or salvaged. @defaultValue 'owner' */
  readonly as?: 'owner' | 'guest';
  readonly limits?: Partial<OutboxLimits & DurableLimits>;
}

export type OpenOutboxOptions = OutboxInFile | OutboxAtPath;

/** What became of a record: stored now, or already stored with the same content. */
export interface EnqueueOutcome {
  readonly kind: 'queued' | 'duplicate';
}

export interface Outbox extends OutboxLook, OutboxRepair, AsyncDisposable {
  /**
   * Stores a record; resolved means on disk. Calls of one event-loop turn share one commit.
   * @throws OutboxError `id_conflict`, `over_budget`, `record_too_large`, `busy`, `disk_full`, `read_only`, `closed`
   */
  enqueue(record: OutboxRecord): Promise<EnqueueOutcome>;
  /**
   * Stores a record inside a transaction that is open on the file of this outbox: durable with its commit, gone with its roll-back.
   * The drainer is woken, and what had to be dropped for the record reported, after the commit.
   * @throws OutboxError `id_conflict`, `over_budget`, `record_too_large`, `closed`; TypeError for another transaction
   */
  enqueueIn(transaction: Transaction, record: OutboxRecord): EnqueueOutcome;
  /**
   * Delivers, oldest first within priority, and strictly in order per `orderKey`. One drainer per store, over all processes.
   * @throws OutboxError `drainer_exists`, `closed`, and what makes the store unusable
   */
  drain(options: DrainOptions): Promise<DrainReport>;
  /** Makes the drainer look again at once, such as when `isOnline` turned true. */
  wake(): void;
}

/**
 * Opens the outbox in a durable file, or one with a file of its own; tables of an older version are brought up to date.
 * @throws TypeError, RangeError for unusable options; OutboxError `cannot_open`, `read_only`, `busy`, `foreign_table`, `newer_version`,
 * for a guest also `no_outbox`, `older_version`, `damaged`
 */
export function openOutbox(options: OpenOutboxOptions): Outbox {
  const table = checkTable(options.table ?? 'outbox');
  if ((options.path === undefined) === (options.durable === undefined))
    throw new TypeError('Cannot open an outbox: give either `path` or `durable`');
  const emit = createEmit(options.onEvent);
  const { own, ofFile } =
    options.path === undefined ? { own: options.limits ?? {}, ofFile: {} } : splitLimits(options.limits);
  const limits = resolveOutboxLimits(own);
  const durable = options.durable ?? openFile(options, { table, limits: ofFile, emit });
  return createOutbox({ durable, table, limits, emit, options });
}

/** Opens the file of an outbox that has one of its own; what its salvage did is told in the words of records. */
function openFile(
  { path, as = 'owner', clock }: OutboxAtPath,
  { table, limits, emit }: { table: string; limits: Partial<DurableLimits>; emit: Emit },
): Durable {
  try {
    return openDurable({
      path,
      as,
      parts: [outboxPart(table)],
      limits,
      ...(clock && { clock }),
      onEvent(event) {
        if (event.type !== 'salvaged') return;
        const { setAsidePath, reason, tables } = event;
        const { rows = 0, lostRows = null } = tables.find((entry) => entry.table === table) ?? {};
        emit({ type: 'salvaged', path: event.path, setAsidePath, reason, records: rows, lostRecords: lostRows });
      },
    });
  } catch (error) {
    throw asOutboxError(error);
  }
}

interface Parts {
  readonly durable: Durable;
  readonly table: string;
  readonly limits: OutboxLimits;
  readonly emit: Emit;
  readonly options: OpenOutboxOptions;
}

function createOutbox({ durable, table, limits, emit, options }: Parts): Outbox {
  const { clock = systemClock, random = Math.random } = options;
  const store = createStore(durable, { table, nowMs: clock.nowMs });
  const wakeup = createWakeup(clock);
  const closing = new AbortController();
  const context = { store, limits, clock, random, emit, wakeup, unsettled: [], closing: closing.signal };
  const added = (insertion: Insertion) => {
    for (const entry of insertion.dropped) emit(droppedEvent(entry));
    if (insertion.kind === 'queued') wakeup.ring();
  };
  let adding = 0;
  let draining: Promise<DrainReport> | null = null;

  function checkOpen(): void {
    if (closing.signal.aborted) throw new OutboxError('closed', 'Cannot use the outbox: it was closed');
  }

  return {
    ...createReading({ read: store.read, problems: durable.problems }, limits),
    ...createRepair({ store, limits, report: (dropped) => dropped.map(droppedEvent).forEach(emit), wake: wakeup.ring }),
    async enqueue(record) {
      checkOpen();
      const encoded = encodeRecord(record, limits);
      adding++;
      try {
        const insertion = await store.add((tx) => insertRecord(tx, encoded, limits), encoded.bytes);
        added(insertion);
        return outcomeOf(insertion);
      } catch (error) {
        throw asOutboxError(error);
      } finally {
        adding--;
      }
    },
    enqueueIn(transaction, record) {
      checkOpen();
      const encoded = encodeRecord(record, limits);
      const insertion = insertRecord(store.join(transaction), encoded, limits);
      transaction.onCommitted(() => added(insertion));
      return outcomeOf(insertion);
    },
    async drain(drainOptions) {
      checkOpen();
      const release = claim(durable, { table, isDraining: draining !== null });
      draining = drain(context, drainOptions).finally(() => {
        draining = null;
        release();
      });
      return draining;
    },
    wake: wakeup.ring,
    async [Symbol.asyncDispose]() {
      closing.abort(new OutboxError('closed', 'The outbox is being closed'));
      // What is added goes to the disk in its order. Callers get their own failures; here only their end matters.
      await Promise.allSettled([adding > 0 && durable.commit(() => {}), draining]);
      if (options.durable === undefined) await durable[Symbol.asyncDispose]();
    },
  };
}

/** One drainer per store: in this outbox by its own knowledge, elsewhere by a lock beside the file. @throws OutboxError `drainer_exists` */
function claim(durable: Durable, { table, isDraining }: { table: string; isDraining: boolean }): () => void {
  try {
    const release = isDraining ? null : durable.lock(`${table}.drainer`);
    if (release !== null) return release;
  } catch (error) {
    throw asOutboxError(error);
  }
  const message = `Cannot drain ${durable.path}: another drainer of table ${table} is running`;
  throw new OutboxError('drainer_exists', message);
}

function outcomeOf(insertion: Insertion): EnqueueOutcome {
  if (insertion.kind === 'refused') throw insertion.error;
  return { kind: insertion.kind };
}

function createWakeup(clock: Clock): Wakeup {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    isRung: () => rung,
    async sleep(timeoutMs) {
      if (!rung) {
        await new Promise<void>((resolve) => {
          const cancel = clock.setTimer(resolve, timeoutMs);
          wake = () => {
            cancel();
            resolve();
          };
        });
        wake = null;
      }
      rung = false;
    },
  };
}
