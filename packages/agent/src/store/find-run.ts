/** Runs as whoever asks about them may know them. */
import type { Durable, Row, Sql } from '@kanade/durable';
import type { JobRun } from '@kanade/shared/local';
import { jobRunOf, statusOfRow } from './run-rows.ts';

/** Ids by which others know a run; empty and absent ones name none. */
export interface RunNames {
  readonly runId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly execId?: string | undefined;
}

/** What is known of a run. */
export interface KnownRun {
  readonly runId: string;
  readonly isEnded: boolean;
  /** Its job directory; undefined where it never had one, and where that went. */
  readonly jobId: string | undefined;
  /** How often it was tried again. */
  readonly retries: number;
  readonly status: string | undefined;
  readonly exitCode: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** Finds the newest run that one of the ids names; undefined when none does. */
export type FindRun = (names: RunNames) => KnownRun | undefined;

export const createFindRun =
  (file: Durable, pcId: string): FindRun =>
  (names) => {
    const row = file.look((sql) => rowOf(sql, pcId, names));
    return row && knownRunOf(row);
  };

/** By its order's exec id a run is looked for from the newest back, because an index would cost every order. */
function rowOf(sql: Sql, pcId: string, { runId, requestId, execId }: RunNames): Row | undefined {
  const byId = 'SELECT * FROM run WHERE run_id = ?';
  const byRequest =
    'SELECT * FROM run WHERE run_id = (SELECT run_id FROM admission WHERE pc_id = ? AND request_id = ?)';
  // What ends a run goes by its own id alone.
  const byOrder = 'SELECT * FROM run WHERE exec_id = ? AND parent_run_id IS NULL ORDER BY rowid DESC LIMIT 1';
  return (
    (runId ? sql(byId).get(runId) : undefined) ??
    (requestId ? sql(byRequest).get(pcId, requestId) : undefined) ??
    (execId ? sql(byOrder).get(execId) : undefined)
  );
}

function knownRunOf(row: Row): KnownRun {
  return {
    runId: row.run_id as string,
    isEnded: row.state === 'ended',
    jobId: (row.job_id as string | null) ?? undefined,
    retries: (row.retries as number | null) ?? 0,
    status: statusOfRow(row),
    exitCode: (row.exit_code as number | null) ?? undefined,
    endedAtMs: (row.ended_at_ms as number | null) ?? undefined,
  };
}

/** A run that has ended, and where what it printed lies. */
export interface PastRun {
  readonly run: JobRun;
  readonly manifestId: string;
  readonly jobId: string | undefined;
}

/** The newest runs of a user that ended since then (ms since 1970), the oldest first. */
export type FindEnded = (owner: string, sinceMs: number, countMax: number) => PastRun[];

export const createFindEnded =
  (file: Durable): FindEnded =>
  (owner, sinceMs, countMax) =>
    file
      .look((sql) =>
        sql(
          `SELECT * FROM run WHERE owner = ? AND state = 'ended' AND parent_run_id IS NULL AND started_at_ms IS NOT NULL AND ended_at_ms >= ?
           ORDER BY ended_at_ms DESC, rowid DESC LIMIT ?`,
        ).all(owner, sinceMs, countMax),
      )
      .reverse()
      .map((row) => ({
        run: jobRunOf(row),
        manifestId: row.manifest_id as string,
        jobId: (row.job_id as string | null) ?? undefined,
      }));
