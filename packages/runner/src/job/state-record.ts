/** The states that we write, as pure builders. */
import { wholeSecond } from '@kanade/shared/job';
import { bootId, readProcess } from '../process/identity.ts';
import type { JobDir } from './layout.ts';
import type { StateFile } from './record.ts';

const noResult: StateFile['result'] = { exit_code: null, signal: null, duration_ms: null };

/** Defined, not started. */
export function createdState(job: JobDir, nowMs: number): StateFile {
  return {
    job: { id: job.id, status: 'created' },
    result: noResult,
    updated_at: wholeSecond(nowMs),
    logs_drained: true,
  };
}

/** The state of a job whose shim has this pid and leads its session and process group. */
export function runningState(
  job: JobDir,
  pid: number,
  { startedAtMs = Date.now() }: { startedAtMs?: number } = {},
): StateFile {
  const entry = readProcess(pid);
  return {
    job: { id: job.id, status: 'running', started_at: wholeSecond(startedAtMs) },
    result: noResult,
    pid,
    updated_at: wholeSecond(startedAtMs),
    logs_drained: true,
    ...(entry ? { identity: { pid, start: entry.start, boot: bootId() } } : {}),
    started_at_ms: startedAtMs,
  };
}

/** Never started, with the reason. */
export function failedState(job: JobDir, reason: string): StateFile {
  const now = wholeSecond(Date.now());
  return {
    job: { id: job.id, status: 'failed' },
    result: noResult,
    finished_at: now,
    updated_at: now,
    logs_drained: true,
    ending: { kind: 'not_started', reason },
    error: reason,
  };
}

/** The state of a job whose ending nobody can know any more. */
export function lostState(state: StateFile, reason: string): StateFile {
  const now = wholeSecond(Date.now());
  return {
    ...state,
    job: { ...state.job, status: 'failed' },
    result: noResult,
    finished_at: now,
    updated_at: now,
    logs_drained: true,
    ending: { kind: 'lost', reason },
    error: `how it ended is not known: ${reason}`,
  };
}
