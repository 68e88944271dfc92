import { existsSync, statSync } from 'node:fs';
import { type DurableInspector, type DurableLimits, inspectDurable, type Sql } from '@kanade/durable';
import { asOutboxError, OutboxError } from '../core/error.ts';
import { type OutboxLimits, resolveOutboxLimits, splitLimits } from '../core/limits.ts';
import { type DropEntry, listDrops } from '../rows/drops.ts';
import { checkTable, outboxPart, outboxTables } from '../rows/part.ts';
import type { RecordState } from '../rows/record.ts';
import { asOurs, naming } from '../rows/store.ts';
import { type Counts, listRows, type RecordSummary, readCounts } from '../rows/summary.ts';
import { checkRow, type ExportedRecord, exportRow, type VerifyReport } from '../rows/whole-rows.ts';

export interface ListOptions {
  readonly state?: RecordState;
  /** Cursor of the last record of the page before. */
  readonly after?: number;
  /** At most `listRecordsMax`. @defaultValue 100 */
  readonly limit?: number;
}

export interface ExportOptions {
  readonly state?: RecordState;
  readonly signal?: AbortSignal;
}

export interface VerifyOptions {
  /**
   * Checks the structure of the file and the totals too, in one look that keeps the event loop for as long as it takes to read
   * the whole file. @defaultValue false
   */
  readonly structure?: boolean;
  readonly signal?: AbortSignal;
}

/** What can be seen of an outbox without changing it. */
export interface OutboxLook {
  /** Records without their bodies, in the order in which they were enqueued. */
  list(options?: ListOptions): Promise<RecordSummary[]>;
  count(): Promise<Counts>;
  /** `list({ state: 'quarantined' })`. */
  quarantined(options?: Omit<ListOptions, 'state'>): Promise<RecordSummary[]>;
  /** The last `dropsKeptMax` records that left undelivered, oldest first. */
  drops(options?: Omit<ListOptions, 'state'>): Promise<DropEntry[]>;
  /** Reads every record and compares it with its checksum; one record in memory at a time. */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** Every record with its body, in the order of enqueuing, one in memory at a time; what changes meanwhile may be in it or not. */
  export(options?: ExportOptions): AsyncIterable<ExportedRecord>;
}

/** Where to look. */
export interface ViewedOutbox {
  read<T>(look: (sql: Sql) => T): Promise<T>;
  /** What is wrong with the file and with what the rows say together. */
  problems(): Promise<string[]>;
}

/** Time after which a walk over many records gives the event loop a turn, ms. */
const stepMs = 2;

export function createReading(viewed: ViewedOutbox, limits: OutboxLimits): OutboxLook {
  const pageOf = ({ after = 0, limit = 100 }: Omit<ListOptions, 'state'>) => {
    if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError(`Cannot list with limit: ${limit}`);
    if (!Number.isSafeInteger(after)) throw new RangeError(`Cannot list after cursor: ${after}`);
    return { after, limit: Math.min(limit, limits.listRecordsMax) };
  };
  const list = async ({ state, ...page }: ListOptions = {}) => {
    const options = { state, ...pageOf(page) };
    return viewed.read((sql) => listRows(sql, options));
  };
  return {
    list,
    count: () => viewed.read(readCounts),
    quarantined: (page) => list({ ...page, state: 'quarantined' }),
    async drops(page = {}) {
      const options = pageOf(page);
      return viewed.read((sql) => listDrops(sql, options));
    },
    verify: (options = {}) => verify(viewed, options, limits.listRecordsMax),
    export: (options = {}) => walkRecords(viewed, options),
  };
}

async function* walkRecords(viewed: ViewedOutbox, { state, signal }: ExportOptions): AsyncGenerator<ExportedRecord> {
  let sinceMs = performance.now();
  for (let after = 0; ; ) {
    signal?.throwIfAborted();
    const record = await viewed.read((sql) => exportRow(sql, { state, after }));
    if (record === null) return;
    after = record.cursor;
    yield record;
    if (performance.now() - sinceMs < stepMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sinceMs = performance.now();
  }
}

async function verify(
  viewed: ViewedOutbox,
  { structure, signal }: VerifyOptions,
  idsMax: number,
): Promise<VerifyReport> {
  const sum = { records: 0, bytes: 0, damagedRecords: 0 };
  const damagedIds: string[] = [];
  for (let after: number | null = 0; after !== null; ) {
    signal?.throwIfAborted();
    const from: number = after;
    after = await viewed.read((sql) => {
      const untilMs = performance.now() + stepMs;
      let row = checkRow(sql, from);
      for (; row !== null; row = checkRow(sql, row.seq)) {
        sum.records++;
        sum.bytes += row.bytes;
        if (!row.intact) {
          sum.damagedRecords++;
          if (damagedIds.length < idsMax) damagedIds.push(row.id);
        }
        if (performance.now() > untilMs) return row.seq;
      }
      return null;
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  const problems = structure ? await viewed.problems() : [];
  return { ok: problems.length === 0 && sum.damagedRecords === 0, ...sum, damagedIds, problems };
}

export interface InspectOptions {
  /** An existing file; nothing is made, repaired or written, whatever state it is in. */
  readonly path: string;
  /** Name of the table. @defaultValue the only outbox in the file */
  readonly table?: string;
  readonly limits?: Partial<OutboxLimits & Pick<DurableLimits, 'lockWaitMs'>>;
}

/** A look at a file that another process may be using. */
export interface OutboxInspector extends OutboxLook, Disposable {
  readonly table: string;
}

/**
 * Opens an outbox for reading only, while another process may hold and change it; each answer is consistent in itself.
 * @throws OutboxError `no_outbox` (nothing there, or no outbox in it), `damaged`, `busy`, `older_version`, `newer_version`,
 * `foreign_table`; TypeError for a strange table name
 */
export function inspectOutbox({ path, table: wanted, limits: given }: InspectOptions): OutboxInspector {
  if (wanted !== undefined) checkTable(wanted);
  const { own, ofFile } = splitLimits(given);
  const limits = resolveOutboxLimits(own);
  if (!existsSync(path)) throw new OutboxError('no_outbox', `Cannot read outbox ${path}: there is no such file`);
  if (!statSync(path).isFile()) throw new OutboxError('no_outbox', `Cannot read outbox ${path}: it is not a file`);
  try {
    const table = chooseTable({ path, wanted, ...ofFile });
    const file = inspectDurable({ path, parts: [outboxPart(table)], ...ofFile });
    return { table, ...createReading(viewOf(file, table), limits), [Symbol.dispose]: () => file[Symbol.dispose]() };
  } catch (error) {
    throw asOutboxError(error);
  }
}

function viewOf(file: DurableInspector, table: string): ViewedOutbox {
  const named = naming(table);
  return {
    read: (look) => asOurs(() => file.read((sql) => look(named(sql)))),
    problems: () => asOurs(file.problems),
  };
}

function chooseTable({
  wanted,
  ...options
}: {
  path: string;
  wanted: string | undefined;
  lockWaitMs?: number;
}): string {
  using file = inspectDurable(options);
  const found = file.look(outboxTables);
  const [only, ...more] = wanted === undefined ? found : found.filter((name) => name === wanted);
  if (only !== undefined && more.length === 0) return only;
  const choice = found.length === 0 ? 'it holds none' : `it holds ${found.join(', ')}; choose one with \`table\``;
  throw new OutboxError('no_outbox', `Cannot find outbox ${wanted ?? 'table'} in ${options.path}: ${choice}`);
}
