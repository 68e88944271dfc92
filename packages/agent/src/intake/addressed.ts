/**
 * True when an order for `jobId` on this subject is meant for a machine that listens to `filters`. Behind the target
 * stands the job's id: where something else stands there, the order is for a machine or a group whose id has a dot.
 */
export function isAddressed(subject: string, jobId: string, filters: readonly string[]): boolean {
  return filters.some((filter) =>
    filter.endsWith('.>') ? subject === `${filter.slice(0, -1)}${jobId}` : subject === filter,
  );
}
