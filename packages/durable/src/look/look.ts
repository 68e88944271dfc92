import type { DatabaseSync } from 'node:sqlite';
import { integrity } from '../file/connect.ts';
import { damage } from '../file/error.ts';
import { notedSalvages, partNames } from '../file/migrate.ts';
import type { DurablePart, DurableTable, Row, SalvageReport, Sql, Value } from '../file/part.ts';

export interface VerifyFileOptions {
  /**
   * Checks the structure of the file and what parts say together, too, in one look that keeps the event loop for as long as it
   * takes to read the whole file. @defaultValue false
   */
  readonly structure?: boolean;
  readonly signal?: AbortSignal;
}

/** What a check found. `ok` is true when there is nothing to tell. */
export interface VerifiedFile {
  readonly ok: boolean;
  readonly tables: readonly {
    readonly part: string;
    readonly table: string;
    readonly rows: number;
    /** Rows that their table does not call intact. */
    readonly damagedRows: number;
  }[];
  /** What is wrong with the file itself, in the words of SQLite, or with a part, in its own; at most 100 of the former. */
  readonly problems: readonly string[];
}

export interface ExportTableOptions {
  readonly table: string;
  readonly signal?: AbortSignal;
}

/** What can be seen of a durable file without changing it. */
export interface DurableLook {
  /** The file, links resolved. */
  readonly path: string;
  /** Looks while no transaction is open here. @throws DurableError `busy`, `closed`, `damaged`, … */
  read<T>(look: (sql: Sql) => T): Promise<T>;
  /** Names of the parts that have tables in the file, by its own count; none in a file of before. */
  partNames(): Promise<string[]>;
  /** The last salvages, oldest first; kept in the file, so that no crash forgets a loss. */
  salvages(): Promise<SalvageReport[]>;
  /** Reads every row of every declared table; some rows in memory at a time. */
  verify(options?: VerifyFileOptions): Promise<VerifiedFile>;
  /** What `verify({ structure: true })` finds beyond the rows. */
  problems(): Promise<string[]>;
  /** Every row of a table, in its own order, one in memory at a time; what changes meanwhile may be in it or not. */
  export(options: ExportTableOptions): AsyncIterable<Row>;
}

/** Where to look. */
export interface Viewed {
  readonly path: string;
  readonly parts: readonly DurablePart[];
  read<T>(look: (sql: Sql, database: DatabaseSync) => T): Promise<T>;
}

/** Time after which a walk over many rows gives the event loop a turn, ms. */
const stepMs = 2;
const problemsMax = 100;

export function createLook(viewed: Viewed): DurableLook {
  return {
    path: viewed.path,
    read: (look) => viewed.read((sql) => look(sql)),
    partNames: () => viewed.read(partNames),
    salvages: () => viewed.read(notedSalvages),
    verify: (options = {}) => verify(viewed, options),
    problems: () => viewed.read((sql, database) => problemsOf(sql, database, viewed.parts)),
    export: (options) => walkRows(viewed, options),
  };
}

async function verify(viewed: Viewed, { structure, signal }: VerifyFileOptions): Promise<VerifiedFile> {
  const tables: VerifiedFile['tables'][number][] = [];
  for (const { name: part, tables: declared } of viewed.parts) {
    for (const table of declared) tables.push({ part, table: table.name, ...(await countRows(viewed, table, signal)) });
  }
  const problems = structure ? await viewed.read((sql, database) => problemsOf(sql, database, viewed.parts)) : [];
  const ok = problems.length === 0 && tables.every(({ damagedRows }) => damagedRows === 0);
  return { ok, tables, problems };
}

/** The structure of the file, and of the parts where that is sound. */
function problemsOf(sql: Sql, database: DatabaseSync, parts: readonly DurablePart[]): string[] {
  const problems = integrity(database, problemsMax);
  return problems.length > 0 ? problems : parts.flatMap(({ problems: own }) => own?.(sql) ?? []);
}

async function countRows(viewed: Viewed, table: DurableTable, signal: AbortSignal | undefined) {
  const sum = { rows: 0, damagedRows: 0 };
  for await (const row of walkRows(viewed, { table: table.name, ...(signal && { signal }) })) {
    sum.rows++;
    if (table.isIntact?.(row) === false) sum.damagedRows++;
  }
  return sum;
}

async function* walkRows(viewed: Viewed, { table, signal }: ExportTableOptions): AsyncGenerator<Row> {
  if (!viewed.parts.some(({ tables }) => tables.some(({ name }) => name === table)))
    throw new TypeError(`Cannot export table ${JSON.stringify(table)}: no part declares it`);
  const key = await viewed.read((sql) => keyOf(sql, table));
  let after: Place | null = null;
  for (;;) {
    signal?.throwIfAborted();
    const from: Place | null = after;
    const batch: Placed[] = await viewed.read((sql) => nextRows(sql, { table, key, after: from }));
    for (const { row } of batch) yield row;
    after = batch.at(-1)?.place ?? null;
    if (after === null) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** What orders the rows of a table: their number, or their key where they have none. */
function keyOf(sql: Sql, table: string): readonly string[] {
  const isNumbered = Number(sql('SELECT wr FROM pragma_table_list WHERE name = ?').get(table)?.wr) === 0;
  if (isNumbered) return ['rowid'];
  const keys = sql('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk').all(table);
  return keys.map((row) => `"${String(row.name).replaceAll('"', '""')}"`);
}

type Place = readonly Value[];

interface Placed {
  readonly row: Row;
  readonly place: Place;
}

/** Rows behind a place, for as long as the event loop does not feel it. */
function nextRows(
  sql: Sql,
  { table, key, after }: { table: string; key: readonly string[]; after: Place | null },
): Placed[] {
  const untilMs = performance.now() + stepMs;
  const places = key.map((name, index) => `${name} AS durable_place_${index}`).join(', ');
  const behind = `(${key.join(', ')}) > (${key.map(() => '?').join(', ')})`;
  const select = (where: string) =>
    sql(`SELECT ${places}, * FROM ${table} ${where} ORDER BY ${key.join(', ')} LIMIT 1`);
  const found: Placed[] = [];
  for (let place = after; performance.now() <= untilMs; ) {
    const row = place === null ? select('').get() : select(`WHERE ${behind}`).get(...place);
    if (row === undefined) break;
    const next = key.map((_, index) => row[`durable_place_${index}`] ?? null);
    // A scrambled page can answer with a row from before: walking on from there would not end.
    if (key.length === 1 && typeof place?.[0] === 'number' && Number(next[0]) <= place[0])
      throw damage(`the rows behind ${place[0]} are out of order`);
    found.push({ row: withoutPlace(row), place: next });
    place = next;
  }
  return found;
}

function withoutPlace(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('durable_place_')));
}
