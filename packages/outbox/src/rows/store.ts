import type { Durable, Sql, Statement, Transaction } from '@kanade/durable';
import { asOurs } from '../core/error.ts';
import { withTable } from './part.ts';
import { createTotals, type Tx } from './totals.ts';

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
  /** Runs `change` inside a transaction that the caller has open. @throws TypeError when it is not open on this file */
  join<T>(transaction: Transaction, change: (tx: Tx) => T): T;
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
    join(transaction, change) {
      if (!durable.isOpen(transaction))
        throw new TypeError('Cannot join a transaction: it is not open on the file of this outbox');
      return change(txOf(transaction));
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
