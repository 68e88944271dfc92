/*
 * What owners of tables say about them. Several owners keep their tables in one file, each as a part with a name and a version of
 * its own. The file itself keeps three facts, in tables that belong to nobody else:
 *
 *   durable_part     one row per part: its version, its tables, a checksum of the texts that made them, and one over all of it. A
 *                    schema that differs from what was written down is damage, whatever statement it would have broken.
 *   durable_salvage  the reports of the last salvages, written with the salvaged rows, so that no crash forgets a loss.
 *
 * The format of these two tables is written down like a version, as the part `durable`.
 */

/** What a column holds. */
export type Value = null | number | bigint | string | Uint8Array<ArrayBuffer>;
export type Row = Record<string, Value>;
export type Given = null | number | bigint | string | NodeJS.ArrayBufferView;

/** A prepared statement. */
export interface Statement {
  /** The first row. */
  get(...values: Given[]): Row | undefined;
  all(...values: Given[]): Row[];
  run(...values: Given[]): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
}

/** The prepared statement for a text; prepared once per connection, so do not keep it: ask again. */
export type Sql = (text: string) => Statement;

/** A table whose rows are to outlive damage. */
export interface DurableTable {
  readonly name: string;
  /** Says that a row is what was written, from a checksum in it, say. A flipped bit may change a column's type, too. @defaultValue every row that can be read */
  readonly isIntact?: (row: Readonly<Row>) => boolean;
  /** How many rows there should be, by the owner's own count; asked of the damaged file. @defaultValue counted in the indexes */
  readonly expectedRows?: (sql: Sql) => number | null;
}

/** The tables of one owner in a file. */
export interface DurablePart {
  /** Unique in the file; letters, digits, `_` and `.`, at most 64. */
  readonly name: string;
  /** Step n brings version n to n + 1, from nothing to the first one; texts or functions, within one transaction. Only ever appended to. */
  readonly migrations: readonly (string | ((sql: Sql) => void))[];
  /** Every table, in the order in which they are salvaged. */
  readonly tables: readonly DurableTable[];
  /** The version of this part in a file that was made before parts were counted; 0 when it has none of it. @defaultValue 0 */
  readonly adopt?: (file: AdoptedFile) => number;
  /**
   * Puts right what rows of several tables say together, such as totals; within a transaction. Called after a salvage, with what
   * came of each table, and with null after a small file was found sound.
   */
  readonly mend?: (sql: Sql, salvaged: readonly TableSalvage[] | null) => void;
  /** What is wrong with this part, in words, for `verify`. */
  readonly problems?: (sql: Sql) => string[];
}

/** A file of before, as `adopt` sees it. */
export interface AdoptedFile {
  readonly sql: Sql;
  readonly userVersion: number;
  /** Names of the tables in it. */
  readonly tables: readonly string[];
}

/** What came of one table. */
export interface TableSalvage {
  readonly part: string;
  readonly table: string;
  /** Rows that were saved. */
  readonly rows: number;
  /** Rows that could not be, or null where the damage hides how many there were. */
  readonly lostRows: number | null;
  /** False only when the table and its indexes could be read and agreed, and no WAL lay there that may have been cut: then every row is here. */
  readonly mayHaveLost: boolean;
}

/** What a salvage did. */
export interface SalvageReport {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly path: string;
  /** Where the damaged file is kept, its WAL beside it. */
  readonly setAsidePath: string;
  readonly reason: string;
  readonly tables: readonly TableSalvage[];
  /** Tables that were in the file and that no part declares: they are in the file that was set aside, and only there. */
  readonly undeclared: readonly string[];
}

/** The last salvage that may have cost something, with the tables that it may have cost rows; undefined when there was none. */
export function lastLoss(salvages: readonly SalvageReport[]): SalvageReport | undefined {
  const report = salvages.findLast(({ tables }) => tables.some(({ mayHaveLost }) => mayHaveLost));
  return report && { ...report, tables: report.tables.filter(({ mayHaveLost }) => mayHaveLost) };
}

/** What a durable file reports. Events come after the commit they speak of. */
export type DurableEvent =
  | ({ readonly type: 'salvaged' } & SalvageReport)
  /** The disk is full: the reserve was given up so that this change could be made. */
  | { readonly type: 'reserve_used'; readonly path: string };

/** Checks what parts say of themselves. @throws TypeError */
export function checkParts(parts: readonly DurablePart[]): void {
  const names = new Set<string>(['durable']);
  const tables = new Set<string>(['durable_part', 'durable_salvage']);
  for (const { name, tables: declared } of parts) {
    if (!/^[A-Za-z][A-Za-z0-9_.]{0,63}$/.test(name) || names.has(name))
      throw new TypeError(`Cannot use the name of a part: ${JSON.stringify(name)}`);
    names.add(name);
    for (const { name: table } of declared) {
      if (!/^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(table) || tables.has(table))
        throw new TypeError(`Cannot use the name of a table: ${JSON.stringify(table)}`);
      tables.add(table);
    }
  }
}
