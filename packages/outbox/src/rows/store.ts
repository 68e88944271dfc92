import type { Durable, Sql, Statement, Transaction } from '@kanade/durable';
import { asOutboxError } from '../core/error.ts';
import type { OutboxLimits } from '../core/limits.ts';

/** The tables of one outbox in a durable file, and the two ways to use them: a look, and one commit. */
export interface Store {
  readonly durable: Durable;
  readonly table: string;
  /** Looks while no transaction is open. */
  read<T>(look: (sql: Sql) => T): Promise<T>;
  /** Runs `change`, which adds no record, in one commit of its own; resolved means on disk. Gets the reserve of a full disk. */
  transact<T>(change: (tx: Tx) => T): Promise<T>;
  /** Runs `change`, which adds records of so many bytes, in a commit that it shares with others. Its errors are those of the file. */
  add<T>(change: (tx: Tx) => T, addedBytes: number): Promise<T>;
  /** A transaction that the caller has open, as one of this outbox. @throws TypeError when it is not open on this file */
  join(transaction: Transaction): Tx;
}

export function createStore(durable: Durable, { table, nowMs }: { table: string; nowMs: () => number }): Store {
  const named = naming(table);
  // One transaction is open at a time.
  let last: { readonly transaction: Transaction; readonly tx: Tx } | null = null;

  /** The totals are read once per transaction and written back before its commit, whoever changes records in it. */
  function txOf(transaction: Transaction): Tx {
    if (last?.transaction === transaction) return last.tx;
    const sql = named(transaction.sql);
    const totals = createTotals(sql);
    last = { transaction, tx: { sql, totals, nowMs: nowMs() } };
    transaction.onCommitting(totals.flush);
    return last.tx;
  }

  return {
    durable,
    table,
    read: (look) => asOurs(() => durable.read((sql) => look(named(sql)))),
    transact: (change) => asOurs(() => durable.commit((transaction) => change(txOf(transaction)), { alone: true })),
    add: (change, addsBytes) => durable.commit((transaction) => change(txOf(transaction)), { addsBytes }),
    join(transaction) {
      if (!durable.isOpen(transaction))
        throw new TypeError('Cannot join a transaction: it is not open on the file of this outbox');
      return txOf(transaction);
    },
  };
}

/** Statements that name the outbox's table `$t`, prepared once per connection. */
export function naming(table: string): (sql: Sql) => Sql {
  let known: { readonly sql: Sql; readonly named: Sql } | null = null;
  return (sql) => {
    if (known?.sql !== sql) known = { sql, named: withName(sql, table) };
    return known.named;
  };
}

function withName(sql: Sql, table: string): Sql {
  // As many entries as there are statement texts in this package.
  const prepared = new Map<string, Statement>();
  return (text) => {
    let statement = prepared.get(text);
    if (statement === undefined) {
      statement = sql(withTable(text, table));
      prepared.set(text, statement);
    }
    return statement;
  };
}

/** Puts the table's name into a statement written with `$t`. */
export function withTable(text: string, table: string): string {
  return text.replaceAll('$t', table);
}

/** Runs a look or a step on the file, its errors being ours. */
export async function asOurs<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    throw asOutboxError(error);
  }
}

export interface Tally {
  readonly records: number;
  readonly bytes: number;
}

/** The totals within one transaction: what a change adds to them is written once, before the commit. */
export interface Totals {
  get(name: string): Tally;
  /** Everything stored that is not in quarantine. */
  queued(): Tally;
  add(name: string, records: number, bytes: number): void;
  flush(): void;
}

/** A transaction under way: its statements, and the totals that go with what they change. */
export interface Tx {
  readonly sql: Sql;
  readonly totals: Totals;
  readonly nowMs: number;
}

export const queuedStates = ['ready', 'waiting', 'held'] as const;

const isQueued = (name: string) => name === 'ready' || name === 'waiting' || name === 'held';

function createTotals(sql: Sql): Totals {
  const added = new Map<string, { records: number; bytes: number }>();
  /** Read when a budget is asked for, and not for what only removes. */
  let queued: { records: number; bytes: number } | null = null;

  function readQueued(): { records: number; bytes: number } {
    const row = sql(`SELECT sum(records) AS records, sum(bytes) AS bytes FROM $t_total
      WHERE name IN ('ready', 'waiting', 'held')`).get();
    const sum = { records: Number(row?.records), bytes: Number(row?.bytes) };
    for (const [name, { records, bytes }] of added) {
      if (!isQueued(name)) continue;
      sum.records += records;
      sum.bytes += bytes;
    }
    return sum;
  }

  return {
    get(name) {
      const row = sql('SELECT records, bytes FROM $t_total WHERE name = ?').get(name);
      const more = added.get(name);
      return {
        records: Number(row?.records ?? 0) + (more?.records ?? 0),
        bytes: Number(row?.bytes ?? 0) + (more?.bytes ?? 0),
      };
    },
    queued() {
      queued ??= readQueued();
      return queued;
    },
    add(name, records, bytes) {
      const sum = added.get(name);
      if (sum === undefined) added.set(name, { records, bytes });
      else {
        sum.records += records;
        sum.bytes += bytes;
      }
      if (queued === null || !isQueued(name)) return;
      queued.records += records;
      queued.bytes += bytes;
    },
    flush() {
      for (const [name, { records, bytes }] of added) {
        sql(`INSERT INTO $t_total (name, records, bytes) VALUES (?, ?, ?)
          ON CONFLICT (name) DO UPDATE SET records = records + excluded.records, bytes = bytes + excluded.bytes`).run(
          name,
          records,
          bytes,
        );
      }
      added.clear();
    },
  };
}

export interface Exceeded {
  readonly limit: string;
  readonly maximum: number;
  readonly actual: number;
}

/** The budget that one more record of this size would break, or null. */
export function exceededBy({ totals }: Tx, bytes: number, limits: OutboxLimits): Exceeded | null {
  const queued = totals.queued();
  const actual = queued.bytes + bytes;
  if (queued.records >= limits.recordsMax)
    return { limit: 'recordsMax', maximum: limits.recordsMax, actual: queued.records + 1 };
  return actual > limits.bytesMax ? { limit: 'bytesMax', maximum: limits.bytesMax, actual } : null;
}
