/** What 0.1.18 told about each job of a collection; loaded on demand. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Jobs } from '@kanade/runner';
import type { LegacyGcEntry } from '@kanade/shared/job';
import { isTerminal, type JobState } from '@kanade/shared/job-words';

export interface LegacyGcOptions {
  readonly olderThanMs: number;
  readonly dryRun: boolean;
}

/** Looks at the jobs of a root before a collection; the function that is returned tells afterwards what became of each. */
export function recordJobs(jobs: Jobs, { olderThanMs, dryRun }: LegacyGcOptions): () => LegacyGcEntry[] {
  const cutoff = Math.floor((Date.now() - olderThanMs) / 1000);
  const before = jobs.list().jobs.map(({ view: { job, status, state } }) => {
    const endedAtMs = Date.parse(state?.finished_at ?? state?.updated_at ?? '');
    const isOld = isTerminal(status) && Math.floor(endedAtMs / 1000) < cutoff;
    return { path: job.path, job_id: job.id, state: status, isOld, bytes: bytesOf(job.path) };
  });
  return () =>
    before.map(({ path, isOld, ...entry }) => ({ ...entry, ...fateOf({ path, isOld, dryRun, state: entry.state }) }));
}

function fateOf(job: { path: string; isOld: boolean; dryRun: boolean; state: JobState }): {
  action: string;
  reason: string;
} {
  if (!job.isOld) return { action: 'skipped', reason: isTerminal(job.state) ? 'retention' : job.state };
  if (job.dryRun) return { action: 'would_delete', reason: 'age' };
  return existsSync(job.path) ? { action: 'skipped', reason: 'delete_failed' } : { action: 'deleted', reason: 'age' };
}

function bytesOf(path: string): number {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, entry) => sum + (statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0),
      0,
    );
}
