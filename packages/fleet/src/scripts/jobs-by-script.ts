import { listManifests } from '../catalogue/read-manifests.ts';
import type { Fleet } from '../connection/connect-fleet.ts';

/** Which jobs of the catalogue run which script: ids by key. A job that cannot be read counts for none. */
export async function jobsByScript(
  fleet: Fleet,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const jobs = new Map<string, string[]>();
  for (const job of await listManifests(fleet, signal ? { signal } : {})) {
    const key = job.ok ? job.manifest.execute.script_object : undefined;
    if (key) jobs.set(key, [...(jobs.get(key) ?? []), job.jobId]);
  }
  return jobs;
}
