/** A job that takes its turn: how a caller asks for it, and how it stands in an answer. */
import type { JobDefinition, JobDescription, Jobs, JobView, MetaFile } from '@kanade/runner';

/** `queue` and `after` of its definition; `position` and `waits_for` while it waits. Nothing for a job that never had to. */
export function turnFields(
  { queue, after }: Pick<MetaFile, 'queue' | 'after'>,
  place: JobDescription['place'],
): Record<string, unknown> {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(place?.position === undefined ? {} : { position: place.position }),
    ...(after?.length ? { after } : {}),
    ...(place?.waitsFor.length ? { waits_for: place.waitsFor } : {}),
  };
}

/** The same of a view, for answers that say nothing of a turn once it has come. */
export function turnOfWaiting(jobs: Jobs, { job, status }: JobView): Record<string, unknown> {
  if (status !== 'created') return {};
  const { meta, place } = jobs.describe(job);
  return meta && place ? turnFields(meta, place) : {};
}

/** A turn as it is asked for. Jobs are named by their ids, or the beginnings of these. */
export interface AskedTurn {
  readonly queue?: string | undefined;
  /** Start when these have exited with 0. */
  readonly after?: readonly string[] | undefined;
  /** Start when these have ended, however. */
  readonly afterAny?: readonly string[] | undefined;
}

/** The same in a definition. Throws `job_not_found`, `ambiguous_job_id`. */
export function turnOf(
  { queue, after = [], afterAny = [] }: AskedTurn,
  jobs: Pick<Jobs, 'find'>,
): Pick<JobDefinition, 'queue' | 'after'> {
  const dependencies = [
    ...after.map((id) => ({ job_id: jobs.find(id).id, on: 'success' as const })),
    ...afterAny.map((id) => ({ job_id: jobs.find(id).id, on: 'any' as const })),
  ];
  return { ...(queue === undefined ? {} : { queue }), ...(dependencies.length > 0 ? { after: dependencies } : {}) };
}
