/** A list of jobs as trees: below each job those that wait for it, or waited. */

export interface TreeEntry {
  readonly job_id: string;
  readonly after?: readonly { readonly job_id: string }[];
  readonly dependents?: readonly TreeEntry[];
}

/**
 * Each job once, below the first of the jobs that it waits for that is in the list, in the order of the list. What waits for itself, as
 * only a hand-made definition can, stands at the top.
 */
export function asTrees<T extends TreeEntry>(entries: readonly T[]): T[] {
  const byId = new Map(entries.map((entry) => [entry.job_id, entry]));
  const parentOf = new Map<string, string>();
  for (const { job_id, after = [] } of entries) {
    const parent = after.find((one) => byId.has(one.job_id) && !isBelow(one.job_id, job_id, parentOf));
    if (parent) parentOf.set(job_id, parent.job_id);
  }
  const below = new Map<string, T[]>();
  for (const entry of entries) {
    const parent = parentOf.get(entry.job_id);
    if (parent !== undefined) below.set(parent, [...(below.get(parent) ?? []), entry]);
  }
  const grown = (entry: T): T => {
    const dependents = below.get(entry.job_id);
    return dependents ? { ...entry, dependents: dependents.map(grown) } : entry;
  };
  return entries.filter(({ job_id }) => !parentOf.has(job_id)).map(grown);
}

/** Whether the way up from a job leads through another one. */
function isBelow(jobId: string, other: string, parentOf: ReadonlyMap<string, string>): boolean {
  for (let at: string | undefined = jobId; at !== undefined; at = parentOf.get(at)) if (at === other) return true;
  return false;
}
