/**
 * The ledger: orders that were taken and the runs they became. Two tables and the outbox, each step one commit:
 *
 * | step        | `admission` | `run`                              | outbox            |
 * |-------------|-------------|------------------------------------|-------------------|
 * | `admit`     | the order   | `admitted`                         |                   |
 * | `refuse`    | its name    | how it ended                       | the result        |
 * | `launching` |             | its job directory has a name       |                   |
 * | `launchingAgain` |        | that of a retry, beside the one before; their number | |
 * | `stopping`  |             | who asked for that                 |                   |
 * | `running`   |             | its processes exist                | the started event |
 * | `ended`     | its name    | how it ended; `running`, if it was not written yet | the result |
 * |             | of each run that begins with it |                |                   |
 * | `forget`    | gone        | gone                               |                   |
 *
 * After damage rows may be missing. An order without its run, and one that the ledger may have forgotten (`doubt`), count as
 * `launching` without a job: nobody knows whether it was started, so it ends as `lost`.
 */
import type { Durable, Sql, Transaction } from '@kanade/durable';
import { type Outbox, OutboxError, type OutboxRecord } from '@kanade/outbox';
import { type EventStarted, type ExecResult, resultSubject, startedSubject } from '@kanade/shared/fleet';
import type { JobRun } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import { withUploads } from '../report/uploads.ts';
import type { Delivery, OpenRun, Run, RunEnd, Stopper, Upload } from '../run/model.ts';
import { isDoubtful, recover, type Stray } from './doubt.ts';
import {
  admitFinalizer,
  createOrderRoom,
  forgetRuns,
  insertRun,
  lastRuns,
  letGo,
  openRuns,
  orderChecksum,
  receivedBy,
  statusInRow,
} from './run-rows.ts';

/** What the ledger says to an order. Only `admitted` is to be run; `full` must be delivered again. */
export type Entry =
  | { readonly kind: 'admitted'; readonly open: OpenRun }
  | { readonly kind: 'duplicate'; readonly runId: string }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'full' };

/** How an order came. */
export interface Arrival extends Delivery {
  /** Of the bytes. */
  readonly fingerprint: string;
}

export interface Ledger {
  /** Writes an order down, with the run that it becomes, unless its request id is known. */
  admit(run: Run, arrival: Arrival): Entry;
  /** Makes what `work` writes down about orders one commit; it may be called again. Throws when nothing was written. */
  together(orders: readonly Delivery[], work: () => void): void;
  /** The same for an order that is never run: with its end and its result. Its bytes are not kept. */
  refuse(run: Run, arrival: Arrival, told: { end: RunEnd; result: ExecResult }): Entry;
  /** Answers an order without writing it down: its request id stays free. */
  answer(result: ExecResult): void;
  /** True when these bytes were taken under this request id: what is delivered again was judged when it first came. */
  isTaken(pcId: string, requestId: string, fingerprint: string): boolean;
  /** The order of a run as it was received, and when; undefined where damage or an older version left none. */
  receivedOf(runId: string): { delivery: Delivery; atMs: number } | undefined;
  /** From here on the job directory tells how the run goes, whatever happens to us. */
  launching(runId: string, jobId: string, boot: string): void;
  /** The same for one attempt more: its directory takes the place of that of the attempt before, which stays known. */
  launchingAgain(runId: string, jobId: string, boot: string): void;
  /** Nobody was started, and the job directory goes: as if it had only been admitted, or not been tried again. */
  notLaunched(runId: string): void;
  /** Somebody asked for the run to stop; the first one counts. */
  stopping(runId: string, by: Stopper): void;
  running(runId: string, startedAtMs: number, event: EventStarted | undefined): void;
  /** With the start, where that is not told yet. Does nothing for a run that has ended. Throws OutboxError `over_budget`, and what the file throws. */
  ended(run: Run, end: RunEnd, told: ToldEnd): void;
  /** Runs that have not ended, in the order of their admission. */
  open(): OpenRun[];
  /** Undefined for a run that is not known. */
  ownerOf(runId: string): string | null | undefined;
  /** The last run of each manifest that somebody started. */
  lastOf(owner: string): ReadonlyMap<string, JobRun>;
  /** Names of the job directories that belong to a run. */
  jobIds(): ReadonlySet<string>;
  /** Gives orders without a run one again. Strays of no order are noted, and that the ledger has forgotten orders. */
  recover(strays: readonly Stray[]): void;
  /** When it was noticed last that the ledger may have forgotten orders, in ms since 1970. */
  doubtSinceMs(): number | undefined;
  /** The stream was met after a loss: what stands in it up to here may have been taken before. */
  boundDoubt(lastSequence: number): void;
  /** Job directories of runs that have ended, the oldest first: all that is told of those is in the outbox. */
  endedJobs(): string[];
  /** The directory of a run is gone; the run and its order stay known. */
  dropJob(jobId: string): void;
  /** Forgets runs that ended before but for some, with their orders; returns the names of their job directories. */
  forget(endedBeforeMs: number, countMax: number, except?: ReadonlySet<string>): { runId: string; jobIds: string[] }[];
}

/** What the fleet is told of an end. */
export interface ToldEnd {
  readonly result: ExecResult;
  /** What goes into object stores before the result is sent. */
  readonly uploads?: readonly Upload[];
  readonly started?: EventStarted | undefined;
}

export interface LedgerOptions {
  readonly file: Durable;
  readonly outbox: Outbox;
  /** What orders whose runs have not ended may say in all, in bytes. */
  readonly openBytesMax?: number;
}

export function openLedger({ file, outbox, openBytesMax = limits.openOrderBytesMax }: LedgerOptions): Ledger {
  const room = createOrderRoom(openBytesMax);
  const change = (text: string, ...values: (string | number)[]): void => {
    file.transact((tx) => tx.sql(text).run(...values));
  };
  return {
    admit: (run, arrival) =>
      file.transact((tx) => admit(tx.sql, run, { ...arrival, room }), { addsBytes: arrival.bytes.length + rowBytes }),
    together: (orders, work) =>
      file.transact(work, { addsBytes: orders.reduce((sum, { bytes }) => sum + bytes.length + rowBytes, 0) }),
    refuse: (run, arrival, { end, result }) =>
      file.transact((tx) => {
        const entry = admit(tx.sql, run, { ...arrival, room, bytes: new Uint8Array() });
        if (entry.kind !== 'admitted') return entry;
        writeEnd(tx.sql, run, end);
        outbox.enqueueIn(tx, resultRecord(result));
        return entry;
      }),
    ...answersIn(file, outbox),
    launching: (runId, jobId, boot) =>
      change("UPDATE run SET state = 'launching', job_id = ?, boot = ? WHERE run_id = ?", jobId, boot, runId),
    launchingAgain: (runId, jobId, boot) => change(setLaunchingAgain, jobId, boot, runId),
    notLaunched: (runId) => change(setNotLaunched, runId),
    stopping: (runId, by) => change('UPDATE run SET stopped_by = coalesce(stopped_by, ?) WHERE run_id = ?', by, runId),
    running(runId, startedAtMs, event) {
      const record = event && startRecord(runId, event);
      const setRunning = "UPDATE run SET state = 'running', started_at_ms = ? WHERE run_id = ? AND state <> 'ended'";
      file.transact(
        (tx) => {
          tx.sql(setRunning).run(Math.round(startedAtMs), runId);
          if (record) outbox.enqueueIn(tx, record);
        },
        { addsBytes: rowBytes },
      );
    },
    ended(run, end, { result, uploads, started }) {
      const records = [started && startRecord(run.runId, started), resultRecord(result, uploads)];
      // Without `addsBytes`: an ending may use the room that is kept for it on a full disk.
      file.transact((tx) => {
        // Should its row have been lost and its result not, that one waits already, and tells more.
        if (!writeEnd(tx.sql, run, end)) return;
        for (const record of records) if (record) enqueueOnce(outbox, tx, record);
        for (const next of end.next ?? []) admitFinalizer(tx.sql, next);
        letGo(tx.sql, run.runId);
      });
    },
    ...looksInto(file),
    recover: (strays) => file.transact((tx) => recover(tx.sql, strays)),
    boundDoubt: (lastSequence) =>
      change('UPDATE doubt SET last_sequence = ? WHERE last_sequence IS NULL', lastSequence),
    dropJob(jobId) {
      file.transact((tx) => {
        for (const name of ['job_id', 'earlier_job_id']) {
          tx.sql(`UPDATE run SET ${name} = NULL WHERE ${name} = ?`).run(jobId);
        }
      });
    },
    forget: (beforeMs, max, except) => file.transact(({ sql }) => forgetRuns(sql, { beforeMs, max, except })),
  };
}

const setLaunchingAgain = `UPDATE run SET retries = coalesce(retries, 0) + 1, earlier_job_id = job_id, job_id = ?, boot = ?
   WHERE run_id = ?`;
const setNotLaunched = `UPDATE run SET job_id = earlier_job_id, earlier_job_id = NULL, retries = nullif(retries, 0) - 1,
     state = iif(earlier_job_id IS NULL, 'admitted', state), boot = iif(earlier_job_id IS NULL, NULL, boot)
   WHERE run_id = ?`;

const endedJobs = `SELECT job_id FROM (
     SELECT job_id, ended_at_ms FROM run WHERE state = 'ended'
     UNION ALL SELECT earlier_job_id, ended_at_ms FROM run WHERE state = 'ended' AND earlier_job_id IS NOT NULL)
   WHERE job_id IS NOT NULL ORDER BY ended_at_ms`;
const allJobs =
  'SELECT job_id FROM run WHERE job_id IS NOT NULL UNION ALL SELECT earlier_job_id FROM run WHERE earlier_job_id IS NOT NULL';

/** What a row takes besides its texts, in bytes, generously. */
const rowBytes = 1024;

function looksInto(
  file: Durable,
): Pick<Ledger, 'open' | 'ownerOf' | 'lastOf' | 'jobIds' | 'doubtSinceMs' | 'endedJobs'> {
  return {
    open: () => file.look((sql) => openRuns(sql)),
    ownerOf: (runId) => {
      const row = file.look((sql) => sql('SELECT owner FROM run WHERE run_id = ?').get(runId));
      return row === undefined ? undefined : (row.owner as string | null);
    },
    lastOf: (owner) => file.look((sql) => lastRuns(sql, owner)),
    jobIds: () => new Set(file.look((sql) => sql(allJobs).all()).map(({ job_id }) => String(job_id))),
    doubtSinceMs: () => file.look((sql) => sql('SELECT since_ms FROM doubt').get()?.since_ms as number | undefined),
    endedJobs: () => file.look((sql) => sql(endedJobs).all()).map(({ job_id }) => String(job_id)),
  };
}

/** Answers beside the ledger, and what it remembers of an order. */
function answersIn(file: Durable, outbox: Outbox): Pick<Ledger, 'answer' | 'isTaken' | 'receivedOf'> {
  return {
    answer: (result) =>
      file.transact((tx) => enqueueOnce(outbox, tx, resultRecord(result)), { addsBytes: 2 * rowBytes }),
    isTaken: (pcId, requestId, fingerprint) =>
      file.look((sql) =>
        sql('SELECT 1 FROM admission WHERE pc_id = ? AND request_id = ? AND fingerprint = ?').get(
          pcId,
          requestId,
          fingerprint,
        ),
      ) !== undefined,
    receivedOf: (runId) => file.look((sql) => receivedBy(sql, runId)),
  };
}

const startRecord = (runId: string, event: EventStarted) => ({
  id: `${runId}.started`,
  subject: startedSubject(event.exec_id, event.pc_id),
  body: Buffer.from(JSON.stringify(event)),
});

/** A record of that id that waits already stays as it is. */
function enqueueOnce(outbox: Outbox, tx: Transaction, record: OutboxRecord): void {
  try {
    outbox.enqueueIn(tx, record);
  } catch (error) {
    if (!(error instanceof OutboxError && error.code === 'id_conflict')) throw error;
  }
}

const resultRecord = (result: ExecResult, uploads: readonly Upload[] = []): OutboxRecord => ({
  id: result.result_id,
  subject: resultSubject(result.request_id),
  body: Buffer.from(JSON.stringify(result)),
  ...(uploads.length > 0 ? withUploads(uploads) : {}),
});

function admit(sql: Sql, run: Run, arrival: Arrival & { room: ReturnType<typeof createOrderRoom> }): Entry {
  const { subject, bytes, fingerprint, sequence, room } = arrival;
  const known = sql('SELECT fingerprint, run_id FROM admission WHERE pc_id = ? AND request_id = ?').get(
    run.pcId,
    run.requestId,
  );
  if (known && known.fingerprint !== fingerprint) return { kind: 'conflict' };
  if (known) return { kind: 'duplicate', runId: known.run_id as string };
  if (!room.take(sql, run, bytes.length)) return { kind: 'full' };
  const headers = JSON.stringify(arrival.headers);
  const checksum = orderChecksum([run.pcId, run.requestId, fingerprint, run.runId, headers], bytes);
  sql(
    `INSERT INTO admission (pc_id, request_id, fingerprint, subject, body, headers, run_id, admitted_at_ms, checksum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  ).run(run.pcId, run.requestId, fingerprint, subject, bytes, headers, run.runId, Date.now(), checksum);
  const state = sequence !== undefined && isDoubtful(sql, sequence) ? 'launching' : 'admitted';
  insertRun(sql, run, state);
  const open = { run, state, jobId: undefined, boot: undefined, stoppedBy: undefined, received: arrival } as const;
  return { kind: 'admitted', open };
}

/** @returns false for a run that had ended before */
function writeEnd(sql: Sql, run: Run, end: RunEnd): boolean {
  const { startedAtMs, endedAtMs, exitCode } = end;
  // A run of which damage left nothing is known to us all the same: we saw it end.
  if (!sql('SELECT 1 FROM run WHERE run_id = ?').get(run.runId)) insertRun(sql, run, 'running');
  const { changes } = sql(
    `UPDATE run SET state = 'ended', started_at_ms = coalesce(started_at_ms, ?), ended_at_ms = ?, status = ?, exit_code = ?
     WHERE run_id = ? AND state <> 'ended'`,
  ).run(Math.round(startedAtMs), Math.round(endedAtMs), statusInRow(end), exitCode, run.runId);
  return Number(changes) > 0;
}
