import type { Sql } from '@kanade/durable';

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

/** Counts the states again, for a file whose totals disagree with its rows. */
export function recountTotals(sql: Sql, table: string): void {
  sql(
    `UPDATE ${table}_total SET records = (SELECT count(*) FROM ${table} WHERE state = name),
       bytes = (SELECT coalesce(sum(bytes), 0) FROM ${table} WHERE state = name)
     WHERE name IN ('ready', 'waiting', 'held', 'quarantined')`,
  ).run();
}

/** A state whose total is not what its rows add up to, or null. Reads every row. */
export function wrongTotal(sql: Sql, table: string): string | null {
  const wrong = sql(
    `WITH actual AS (SELECT state, count(*) AS records, sum(bytes) AS bytes FROM ${table} GROUP BY state)
     SELECT name FROM ${table}_total LEFT JOIN actual ON state = name
       WHERE name IN ('ready', 'waiting', 'held', 'quarantined')
         AND (${table}_total.records <> coalesce(actual.records, 0) OR ${table}_total.bytes <> coalesce(actual.bytes, 0)) LIMIT 1`,
  );
  return (wrong.get()?.name as string | undefined) ?? null;
}

/** How many records there should be, by the totals; null where they cannot say. */
export function countExpected(sql: Sql, table: string): number | null {
  const states = `SELECT sum(records) AS records FROM ${table}_total WHERE name IN ('ready', 'waiting', 'held', 'quarantined')`;
  const records = sql(states).get()?.records;
  return typeof records === 'number' ? records : null;
}

/** Counts records that a salvage could not read. */
export function countLost(sql: Sql, table: string, records: number): void {
  sql(`UPDATE ${table}_total SET records = records + ? WHERE name = 'lost'`).run(records);
}
