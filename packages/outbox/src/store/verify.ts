import type { DatabaseSync } from 'node:sqlite';
import { isIntact } from './record.ts';
import { withTable } from './schema.ts';
import { damage } from './sqlite-error.ts';
import type { Sql } from './statements.ts';
import { wrongTotal } from './totals.ts';

/** What a check found. `ok` is true when there is nothing to tell. */
export interface VerifyReport {
  readonly ok: boolean;
  /** Records whose bytes were read and compared with their checksum. */
  readonly records: number;
  readonly bytes: number;
  /** Records whose stored bytes are not those that were enqueued. */
  readonly damagedRecords: number;
  /** Ids of the first of them, at most `listRecordsMax`. */
  readonly damagedIds: readonly string[];
  /** What is wrong with the file itself, in the words of SQLite; at most 100. */
  readonly problems: readonly string[];
}

export interface CheckedRow {
  readonly seq: number;
  readonly id: string;
  readonly bytes: number;
  readonly intact: boolean;
}

const problemsMax = 100;

/** The next row behind a cursor, read whole and compared with its checksum; null at the end. */
export function checkRow(sql: Sql, after: number): CheckedRow | null {
  const row = sql(
    'SELECT seq, id, subject, headers, order_key, bytes, checksum, body FROM $t WHERE seq > ? ORDER BY seq LIMIT 1',
  ).get(after);
  if (!row) return null;
  // A scrambled page can answer with a row from before: walking on from there would not end.
  if (typeof row.seq !== 'number' || row.seq <= after) throw damage(`the rows behind ${after} are out of order`);
  return { seq: row.seq, id: String(row.id), bytes: Number(row.bytes), intact: isIntact(row) };
}

/** The structure of the file and the totals, in one look that reads all of it. */
export function checkStructure(database: DatabaseSync, table: string): string[] {
  const verdicts = database.prepare(`PRAGMA integrity_check(${problemsMax})`).all();
  const problems = verdicts.map((row) => String(row.integrity_check)).filter((verdict) => verdict !== 'ok');
  if (problems.length > 0) return problems;
  const wrong = wrongTotal(database, table);
  if (wrong !== null) problems.push(`the total of ${wrong} is not what its records add up to`);
  const late = database
    .prepare(
      withTable(
        `SELECT order_key FROM $t WHERE order_key IS NOT NULL AND state <> 'quarantined'
           GROUP BY order_key HAVING sum(state <> 'held') <> 1 LIMIT ${problemsMax}`,
        table,
      ),
    )
    .all();
  for (const row of late)
    problems.push(`the records of order key ${JSON.stringify(row.order_key)} have no single head`);
  return problems;
}
