/** Where a job stands in its line, as it stands in an answer. */
import type { JobDescription, Jobs, JobView, MetaFile } from '@kanade/runner';

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
