/** A result as it stands in an answer about the past. */
import type { FoundResult } from '@kanade/fleet';
import type { EventStarted } from '@kanade/shared/fleet';

/** RFC 3339 in UTC; what is no time stays as it is. */
function inUtc(text: string): string {
  const ms = Date.parse(text);
  return Number.isFinite(ms) ? new Date(ms).toISOString() : text;
}

export function rowOf({ sequence, result, verdict, ending }: FoundResult) {
  const { started_at, finished_at } = result;
  const tookMs = Date.parse(finished_at) - Date.parse(started_at);
  return {
    sequence,
    result_id: result.result_id || undefined,
    exec_id: result.exec_id ?? undefined,
    job_id: result.manifest_id,
    pc_id: result.pc_id,
    verdict,
    ending,
    exit_code: result.exit_code,
    skipped: result.skipped,
    started_at: inUtc(started_at),
    finished_at: inUtc(finished_at),
    duration_ms: Number.isFinite(tookMs) ? Math.max(tookMs, 0) : undefined,
    parent_result_id: result.parent_result_id,
    stdout_object: result.stdout_object,
    stderr_object: result.stderr_object,
    collect_object: result.collect_object,
  };
}

/** A run that has begun and whose result has not come. That of a person has no order, and says whose it is. */
export const runningRowOf = ({ result_id, exec_id, manifest_id, pc_id, started_at, user_sid }: EventStarted) => ({
  result_id,
  exec_id: user_sid === undefined ? exec_id : undefined,
  user_sid,
  job_id: manifest_id,
  pc_id,
  state: 'running',
  started_at: inUtc(started_at),
});

/** Columns of a table for other programs. */
export const csvColumns = [
  ...['result_id', 'parent_result_id', 'exec_id', 'job_id', 'pc_id', 'state', 'verdict', 'ending', 'exit_code'],
  ...['started_at', 'finished_at', 'duration_ms', 'collect_object', 'sequence'],
] as const;
