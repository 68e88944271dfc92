/**
 * Renders today's answers as 0.1.18 printed them. Pure, and without a schema library: it stands on the way out of the
 * command line. Keys that 0.1.18 did not have are left out.
 */
import type { DeleteResponse, GcResponse, KillResponse } from './change-response.ts';
import type { Excerpts } from './envelope.ts';
import type { RestartResponse, RunResponse, StartResponse } from './launch-response.ts';
import type {
  LegacyDeleteResponse,
  LegacyErrorResponse,
  LegacyGcEntry,
  LegacyGcResponse,
  LegacyInstallSkillsResponse,
  LegacyKillResponse,
  LegacyListResponse,
  LegacyRunResponse,
  LegacySnapshot,
  LegacyStartResponse,
  LegacyStatusResponse,
  LegacyTailResponse,
  LegacyWaitResponse,
} from './legacy.ts';
import type { ListResponse, StatusResponse, TailResponse, WaitResponse } from './look-response.ts';
import type { ErrorResponse, InstallSkillsResponse } from './tool-response.ts';
import { isTerminal } from './words.ts';

/** Excerpts as a snapshot. They must be tails of the logs: a snapshot showed the end, today's `run` shows the beginning. */
function toLegacySnapshot(tails: Excerpts): LegacySnapshot {
  const [outBegin, outEnd] = tails.stdout_range;
  const [errBegin, errEnd] = tails.stderr_range;
  const included = { stdout: outEnd - outBegin, stderr: errEnd - errBegin };
  return {
    stdout_tail: tails.stdout,
    stderr_tail: tails.stderr,
    truncated: included.stdout < tails.stdout_total_bytes || included.stderr < tails.stderr_total_bytes,
    encoding: tails.encoding,
    stdout_observed_bytes: tails.stdout_total_bytes,
    stderr_observed_bytes: tails.stderr_total_bytes,
    stdout_included_bytes: included.stdout,
    stderr_included_bytes: included.stderr,
  };
}

export interface LegacyLaunch {
  /** Tails of both logs at the time of the answer; left out when nothing was observed. */
  readonly tails?: Excerpts;
  /** The call waited for the end (`run --wait`): the tails are the `final_snapshot`, and the ending is told. */
  readonly waited: boolean;
}

/** `run` and `start`; a `restart`, which 0.1.18 did not know, becomes a `start`. Without waiting the state is always `running`. */
export function toLegacyLaunch(
  response: RunResponse | StartResponse | RestartResponse,
  { tails, waited }: LegacyLaunch,
): LegacyRunResponse | LegacyStartResponse {
  const snapshot = tails && toLegacySnapshot(tails);
  const launched = {
    schema_version: response.schema_version,
    ok: response.ok,
    job_id: response.job_id,
    state: waited ? response.state : ('running' as const),
    tags: response.tags,
    ...pick(response, ['env_vars']),
    ...(snapshot && !waited ? { snapshot } : {}),
    stdout_log_path: response.stdout_log_path,
    stderr_log_path: response.stderr_log_path,
    waited_ms: response.waited_ms,
    elapsed_ms: response.elapsed_ms,
    ...(waited && isTerminal(response.state) ? pick(response, ['exit_code', 'finished_at']) : {}),
    ...(snapshot && waited ? { final_snapshot: snapshot } : {}),
  };
  return response.type === 'run' ? { ...launched, type: 'run' } : { ...launched, type: 'start' };
}

export function toLegacyStatus(response: StatusResponse): LegacyStatusResponse {
  return pick(response, [...envelopeKeys, 'job_id', 'state', 'exit_code', 'created_at', 'started_at', 'finished_at']);
}

export function toLegacyTail(response: TailResponse): LegacyTailResponse {
  return {
    ...pick(response, [...envelopeKeys, 'job_id']),
    ...toLegacySnapshot(response),
    ...pick(response, ['stdout_log_path', 'stderr_log_path']),
  };
}

export function toLegacyWait(response: WaitResponse): LegacyWaitResponse {
  return pick(response, [...envelopeKeys, 'job_id', 'state', 'exit_code']);
}

export function toLegacyKill(response: KillResponse): LegacyKillResponse {
  return pick(response, [...envelopeKeys, 'job_id', 'signal']);
}

export function toLegacyList(response: ListResponse): LegacyListResponse {
  const keys = [
    'job_id',
    'state',
    'exit_code',
    'created_at',
    'started_at',
    'finished_at',
    'updated_at',
    'tags',
  ] as const;
  return {
    ...pick(response, [...envelopeKeys, 'root', 'truncated', 'skipped']),
    jobs: response.jobs.map((job) => pick(job, keys)),
  };
}

export function toLegacyDelete(response: DeleteResponse): LegacyDeleteResponse {
  return {
    ...pick(response, [...envelopeKeys, 'root', 'dry_run', 'deleted', 'skipped']),
    jobs: response.jobs.map((job) => pick(job, ['job_id', 'state', 'action', 'reason'])),
  };
}

/** Today's answer has sums only, so the caller says what became of each job. */
export function toLegacyGc(response: GcResponse, jobs: readonly LegacyGcEntry[]): LegacyGcResponse {
  const keys = ['root', 'dry_run', 'older_than', 'older_than_source', 'deleted', 'skipped', 'freed_bytes'] as const;
  return { ...pick(response, [...envelopeKeys, ...keys]), jobs: [...jobs] };
}

export function toLegacyInstallSkills(response: InstallSkillsResponse): LegacyInstallSkillsResponse {
  return {
    ...pick(response, [...envelopeKeys, 'global', 'lock_file_path']),
    skills: response.skills.map(({ name, path }) => ({ name, source_type: 'self', path })),
  };
}

export function toLegacyError(response: ErrorResponse): LegacyErrorResponse {
  return {
    ...pick(response, envelopeKeys),
    error: pick(response.error, ['code', 'message', 'retryable']),
  };
}

const envelopeKeys = ['schema_version', 'ok', 'type'] as const;

/** These keys and no others, where they are there. */
function pick<T extends object, const K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked as Pick<T, K>;
}
