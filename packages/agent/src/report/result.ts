import type { EventStarted, ExecResult } from '@kanade/shared/fleet';
import type { Run } from '../run/run.ts';
import type { RunEnd } from './run-end.ts';

const instant = (ms: number): string => new Date(ms).toISOString();

/** The result of a run as it goes to the fleet. Runs that people started have no `exec_id`. */
export function resultOf(run: Run, end: RunEnd): ExecResult {
  return {
    result_id: run.runId,
    request_id: run.requestId,
    ...(run.execId === null ? {} : { exec_id: run.execId }),
    pc_id: run.pcId,
    exit_code: end.exitCode,
    skipped: end.skipped,
    stdout: end.stdout,
    stderr: end.stderr,
    started_at: instant(end.startedAtMs),
    finished_at: instant(end.endedAtMs),
    manifest_id: run.command.id,
    ending: end.ending.kind,
  };
}

/** The event that a run has begun; only operators' orders have one. */
export function startedOf(run: Run, startedAtMs: number): EventStarted | undefined {
  if (run.execId === null) return undefined;
  return {
    result_id: run.runId,
    request_id: run.requestId,
    exec_id: run.execId,
    pc_id: run.pcId,
    started_at: instant(startedAtMs),
    manifest_id: run.command.id,
    version: run.command.version,
  };
}
