/** What the ledger knows of its own gaps: orders that damage may have taken out of it, and jobs that belong to no run. */
import type { Sql } from '@kanade/durable';
import { insertRun, openRunOf } from './run-rows.ts';

/** A job directory that says which run it is of, and that no run names. */
export interface Stray {
  readonly jobId: string;
  readonly runId: string;
}

/** Orders may have been taken of which the ledger knows nothing any more: the stream is read again, to answer for them. */
export function noteDoubt(sql: Sql, nowMs: number): void {
  sql('DELETE FROM cursor').run();
  sql('INSERT OR REPLACE INTO doubt (id, since_ms, last_sequence) VALUES (1, ?, NULL)').run(nowMs);
}

/** True for an order that the ledger may have forgotten. */
export function isDoubtful(sql: Sql, sequence: number): boolean {
  const doubt = sql('SELECT last_sequence FROM doubt').get();
  return doubt !== undefined && (doubt.last_sequence === null || sequence <= Number(doubt.last_sequence));
}

/** Gives orders without a run one again; what belongs to none gets a row of its own. */
export function recover(sql: Sql, strays: readonly Stray[]): void {
  const jobOf = new Map(strays.map(({ runId, jobId }) => [runId, jobId]));
  const orphans = sql('SELECT * FROM admission WHERE run_id NOT IN (SELECT run_id FROM run)').all();
  for (const row of orphans) {
    const origin = row.subject === 'local' ? 'local' : 'fleet';
    const { run } = openRunOf({ ...row, exec_id: null, origin, owner: null });
    insertRun(sql, { ...run, execId: run.command.exec_id ?? null }, 'launching', jobOf.get(run.runId) ?? null);
    // How often it was tried again is not known any more.
    if (run.command.retry) sql('UPDATE run SET retries = ? WHERE run_id = ?').run(run.command.retry.max, run.runId);
    jobOf.delete(run.runId);
  }
  if (jobOf.size === 0) return;
  for (const [runId, jobId] of jobOf) {
    // With a row of its own it is no news at the next start, and goes in its time.
    sql(
      `INSERT OR IGNORE INTO run (run_id, pc_id, request_id, origin, manifest_id, state, job_id, ended_at_ms)
       VALUES (?, '', '', 'fleet', '', 'ended', ?, ?)`,
    ).run(runId, jobId, Date.now());
  }
  noteDoubt(sql, Date.now());
}
