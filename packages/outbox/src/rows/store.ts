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
  /** Runs `change`, which adds records of so many bytes, in a commit that it shares with others. */
  add<T>(change: (tx: Tx) => T, addedBytes: number): Promise<T>;
  /** A transaction that the caller has open, as one of this outbox. @throws TypeError when it is not open on this file */
  join(transaction: Transaction): Tx;
}

export function createStore(durable: Durable, { table, nowMs }: { table: string; nowMs: () => number }): Store {
  const named = naming(table);
  const known = new WeakMap<Transaction, Tx>();

  /** The totals are read once per transaction and written back before its commit, whoever changes records in it. */
  function txOf(transaction: Transaction): Tx {
    let tx = known.get(transaction);
    if (tx === undefined) {
      const sql = named(transaction.sql);
      const totals = createTotals(sql);
      tx = { sql, totals, nowMs: nowMs() };
      known.set(transaction, tx);
      transaction.onCommitting(totals.flush);
    }
    return tx;
  }

  return {
    durable,
    table,
    read: (look) => asOurs(() => durable.read((sql) => look(named(sql)))),
    transact: (change) => asOurs(() => durable.commit((transaction) => change(txOf(transaction)), { alone: true })),
    add: (change, addsBytes) => asOurs(() => durable.commit((transaction) => change(txOf(transaction)), { addsBytes })),
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

/** The totals within one transaction: read once, counted here, written back once before its commit. */
export interface Totals {
  get(name: string): Tally;
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

export function createTotals(sql: Sql): Totals {
  let known: Map<string, Tally> | null = null;
  const changed = new Set<string>();

  function load(): Map<string, Tally> {
    known ??= new Map(
      sql('SELECT name, records, bytes FROM $t_total')
        .all()
        .map((row) => [row.name as string, { records: Number(row.records), bytes: Number(row.bytes) }]),
    );
    return known;
  }

  const get = (name: string) => load().get(name) ?? { records: 0, bytes: 0 };
  return {
    get,
    add(name, records, bytes) {
      const now = get(name);
      load().set(name, { records: now.records + records, bytes: now.bytes + bytes });
      changed.add(name);
    },
    flush() {
      for (const name of changed) {
        const { records, bytes } = get(name);
        sql('INSERT OR REPLACE INTO $t_total (name, records, bytes) VALUES (?, ?, ?)').run(name, records, bytes);
      }
      changed.clear();
    },
  };
}

/** What is queued: everything stored that is not in quarantine. */
export function queuedTally(totals: Totals): Tally {
  const sum = { records: 0, bytes: 0 };
  for (const state of queuedStates) {
    const { records, bytes } = totals.get(state);
    sum.records += records;
    sum.bytes += bytes;
  }
  return sum;
}

export interface Exceeded {
  readonly limit: string;
  readonly maximum: number;
  readonly actual: number;
}

/** The budget that one more record of this size would break, or null. */
export function exceededBy({ totals }: Tx, bytes: number, limits: OutboxLimits): Exceeded | null {
  const queued = queuedTally(totals);
  const actual = { records: queued.records + 1, bytes: queued.bytes + bytes };
  if (actual.records > limits.recordsMax)
    return { limit: 'recordsMax', maximum: limits.recordsMax, actual: actual.records };
  if (actual.bytes > limits.bytesMax) return { limit: 'bytesMax', maximum: limits.bytesMax, actual: actual.bytes };
  return null;
}
