/**
 * The ledger: orders that were taken and the runs they became. Two tables and the outbox, each step one commit:
 *
 * | step        | `admission` | `run`                              | outbox           |
 * |-------------|-------------|------------------------------------|------------------|
 * | `admit`     | the order   | `admitted`                         |                  |
 * | `launching` |             | its job directory has a name       |                  |
 * | `stopping`  |             | who asked for that                 |                  |
 * | `running`   |             | its processes exist                | the started event |
 * | `ended`     |             | how it ended                       | the result       |
 * | `forget`    | gone        | gone                               |                  |
 */
import type { Outbox } from '@kanade/outbox';
import { Command, type EventStarted, type ExecResult, resultSubject, startedSubject } from '@kanade/shared/fleet';
import type { JobRun } from '@kanade/shared/local';
import { limits } from '../limits.ts';
import type { OpenRun, Run, RunEnd, Stopper } from '../run/model.ts';
import type { StateFile } from './state-file.ts';

/** What the ledger says to an order. Only `admitted` is to be run; `full` must be delivered again. */
export type Entry =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'duplicate'; readonly runId: string }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'full' };

export interface Ledger {
  /** Writes an order down, with the run that it becomes, unless its request id is known. */
  admit(run: Run, order: { readonly subject: string; readonly fingerprint: string }): Entry;
  /** From here on the job directory tells how the run goes, whatever happens to us. */
  launching(runId: string, jobId: string, boot: string): void;
  /** Somebody asked for the run to stop; the first one counts. */
  stopping(runId: string, by: Stopper): void;
  running(runId: string, startedAtMs: number, event: EventStarted | undefined): void;
  /** Does nothing for a run that has ended. */
  ended(end: RunEnd, result: ExecResult): void;
  /** Runs that have not ended, in the order of their admission. */
  open(): OpenRun[];
  /** Undefined for a run that is not known. */
  ownerOf(runId: string): string | null | undefined;
  /** The last run of each manifest that somebody started. */
  lastOf(owner: string): ReadonlyMap<string, JobRun>;
  /** Names of the job directories that belong to a run. */
  jobIds(): ReadonlySet<string>;
  /** Forgets runs that ended before, with their orders; returns the names of their job directories. */
  forget(endedBeforeMs: number, countMax: number): { runId: string; jobId: string | null }[];
}

export interface LedgerOptions {
  readonly file: StateFile;
  readonly outbox: Outbox;
}

export function openLedger({ file, outbox }: LedgerOptions): Ledger {
  const { database } = file;
  const queue = (id: string, subject: string, value: unknown): void => {
    const body = Buffer.from(JSON.stringify(value));
    file.durable.transact((tx) => outbox.enqueueIn(tx, { id, subject, body }));
  };
  return {
    admit: (run, order) => file.transact(() => admit(file, run, order)),
    launching: (runId, jobId, boot) => {
      file.transact(() => {
        database
          .prepare("UPDATE run SET state = 'launching', job_id = ?, boot = ? WHERE run_id = ?")
          .run(jobId, boot, runId);
      });
    },
    stopping: (runId, by) => {
      file.transact(() => {
        database.prepare('UPDATE run SET stopped_by = coalesce(stopped_by, ?) WHERE run_id = ?').run(by, runId);
      });
    },
    running: (runId, startedAtMs, event) => {
      file.transact(() => {
        database
          .prepare("UPDATE run SET state = 'running', started_at_ms = ? WHERE run_id = ? AND state <> 'ended'")
          .run(Math.round(startedAtMs), runId);
        if (event) queue(`${runId}.started`, startedSubject(event.exec_id, event.pc_id), event);
      });
    },
    ended: (end, result) => {
      file.transact(() => {
        const { changes } = database
          .prepare(
            `UPDATE run SET state = 'ended', started_at_ms = coalesce(started_at_ms, ?), ended_at_ms = ?, status = ?, exit_code = ?
             WHERE run_id = ? AND state <> 'ended'`,
          )
          .run(Math.round(end.startedAtMs), Math.round(end.endedAtMs), end.status, end.exitCode, result.result_id);
        if (Number(changes) > 0) queue(result.result_id, resultSubject(result.request_id), result);
      });
    },
    open: () =>
      database
        .prepare(
          `SELECT run.*, admission.body FROM run JOIN admission ON admission.run_id = run.run_id
           WHERE state <> 'ended' ORDER BY admitted_at_ms`,
        )
        .all()
        .map(openRunOf),
    ownerOf: (runId) => {
      const row = database.prepare('SELECT owner FROM run WHERE run_id = ?').get(runId);
      return row === undefined ? undefined : (row.owner as string | null);
    },
    lastOf: (owner) => {
      // SQLite takes the other columns from the row that has the maximum.
      const rows = database
        .prepare(
          `SELECT run_id, manifest_id, status, started_at_ms, ended_at_ms, exit_code, max(started_at_ms) FROM run
           WHERE owner = ? AND started_at_ms IS NOT NULL GROUP BY manifest_id`,
        )
        .all(owner);
      return new Map(rows.map((row) => [row.manifest_id as string, jobRunOf(row)]));
    },
    jobIds: () =>
      new Set(
        database
          .prepare('SELECT job_id FROM run WHERE job_id IS NOT NULL')
          .all()
          .map(({ job_id }) => job_id as string),
      ),
    forget: (endedBeforeMs, countMax) => file.transact(() => forget(file, endedBeforeMs, countMax)),
  };
}

function admit({ database }: StateFile, run: Run, { subject, fingerprint }: Parameters<Ledger['admit']>[1]): Entry {
  const known = database
    .prepare('SELECT fingerprint, run_id FROM admission WHERE pc_id = ? AND request_id = ?')
    .get(run.pcId, run.requestId);
  if (known) {
    return known.fingerprint === fingerprint
      ? { kind: 'duplicate', runId: known.run_id as string }
      : { kind: 'conflict' };
  }
  const held = Number(database.prepare('SELECT count(*) AS held FROM admission').get()?.held);
  if (held >= limits.admissionsMax) return { kind: 'full' };
  const body = Buffer.from(JSON.stringify(run.command));
  database
    .prepare(
      `INSERT INTO admission (pc_id, request_id, fingerprint, subject, body, run_id, admitted_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(run.pcId, run.requestId, fingerprint, subject, body, run.runId, Date.now());
  database
    .prepare(
      `INSERT INTO run (run_id, pc_id, request_id, exec_id, origin, owner, manifest_id, state)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'admitted')`,
    )
    .run(run.runId, run.pcId, run.requestId, run.execId, run.origin, run.owner, run.command.id);
  return { kind: 'admitted' };
}

function forget({ database }: StateFile, endedBeforeMs: number, countMax: number): ReturnType<Ledger['forget']> {
  const rows = database
    .prepare("SELECT run_id, job_id FROM run WHERE state = 'ended' AND ended_at_ms < ? LIMIT ?")
    .all(endedBeforeMs, countMax) as { run_id: string; job_id: string | null }[];
  for (const { run_id } of rows) {
    database.prepare('DELETE FROM run WHERE run_id = ?').run(run_id);
    database.prepare('DELETE FROM admission WHERE run_id = ?').run(run_id);
  }
  return rows.map(({ run_id, job_id }) => ({ runId: run_id, jobId: job_id }));
}

type Row = Record<string, unknown>;

function openRunOf(row: Row): OpenRun {
  const run: Run = {
    runId: row.run_id as string,
    pcId: row.pc_id as string,
    requestId: row.request_id as string,
    execId: row.exec_id as string | null,
    origin: row.origin as Run['origin'],
    owner: row.owner as string | null,
    // It was valid when it was admitted; what we wrote ourselves is parsed again because versions change.
    command: Command.parse(JSON.parse(Buffer.from(row.body as Uint8Array).toString('utf8'))),
  };
  return {
    run,
    state: row.state as OpenRun['state'],
    jobId: (row.job_id as string | null) ?? undefined,
    boot: (row.boot as string | null) ?? undefined,
    stoppedBy: (row.stopped_by as Stopper | null) ?? undefined,
  };
}

function jobRunOf(row: Row): JobRun {
  const at = (ms: unknown): string => new Date(ms as number).toISOString();
  return {
    run_id: row.run_id as string,
    status: (row.status as JobRun['status'] | null) ?? 'running',
    started_at: at(row.started_at_ms),
    ...(row.ended_at_ms === null ? {} : { finished_at: at(row.ended_at_ms) }),
    ...(row.exit_code === null ? {} : { exit_code: row.exit_code as number }),
  };
}
