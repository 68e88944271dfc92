import type { DatabaseSync } from 'node:sqlite';
import { type DropEntry, listDrops } from '../store/drops.ts';
import { type ExportedRecord, exportRow } from '../store/export.ts';
import { type Counts, listRows, type RecordSummary, readCounts } from '../store/inspect.ts';
import type { RecordState } from '../store/records.ts';
import type { Sql } from '../store/statements.ts';
import { checkRow, checkStructure, type VerifyReport } from '../store/verify.ts';
import type { OutboxLimits } from './limits.ts';

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
export interface Viewed {
  readonly table: string;
  read<T>(look: (sql: Sql, database: DatabaseSync) => T): Promise<T>;
}

/** Time after which a walk over many records gives the event loop a turn, ms. */
const stepMs = 2;

export function createLook(viewed: Viewed, limits: OutboxLimits): OutboxLook {
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

async function* walkRecords(viewed: Viewed, { state, signal }: ExportOptions): AsyncGenerator<ExportedRecord> {
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

async function verify(viewed: Viewed, { structure, signal }: VerifyOptions, idsMax: number): Promise<VerifyReport> {
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
  const problems = structure ? await viewed.read((_, database) => checkStructure(database, viewed.table)) : [];
  return { ok: problems.length === 0 && sum.damagedRecords === 0, ...sum, damagedIds, problems };
}
