import { join } from 'node:path';
import { matchesTag } from '@kanade/shared/job';
import { type MetaFile, readMeta } from './record.ts';
import { type JobView, settle } from './settle.ts';
import { jobNames } from './store.ts';

/** Which jobs to list. All filters must hold. */
export interface ListFilter {
  /** Exact working directory; undefined = any. */
  readonly cwd?: string;
  readonly tags?: readonly string[];
  readonly state?: JobView['status'];
  /** Most jobs returned; 0 = all. */
  readonly limit: number;
}

export interface ListedJob {
  readonly meta: MetaFile;
  readonly view: JobView;
}

/** Newest start first; jobs that never started come last, then by id. `skipped` counts directories without a readable definition. */
export function listJobs(root: string, filter: ListFilter): { jobs: ListedJob[]; truncated: boolean; skipped: number } {
  let skipped = 0;
  const found: ListedJob[] = [];
  for (const id of jobNames(root)) {
    const job = { id, path: join(root, id) };
    const meta = readMeta(job);
    if (!meta) {
      skipped++;
      continue;
    }
    if (filter.cwd !== undefined && meta.cwd !== filter.cwd) continue;
    if (!(filter.tags ?? []).every((tag) => meta.tags.some((own) => matchesTag(own, tag)))) continue;
    const view = settle(job);
    if (filter.state !== undefined && view.status !== filter.state) continue;
    found.push({ meta, view });
  }
  found.sort(newestFirst);
  const jobs = filter.limit === 0 ? found : found.slice(0, filter.limit);
  return { jobs, truncated: jobs.length < found.length, skipped };
}

function newestFirst(a: ListedJob, b: ListedJob): number {
  const [startA, startB] = [startOf(a), startOf(b)];
  return startA === startB ? (a.view.job.id < b.view.job.id ? 1 : -1) : startA < startB ? 1 : -1;
}

/** Milliseconds where we know them, else the whole second; jobs that never started sort last. */
const startOf = ({ view: { state } }: ListedJob): number =>
  state?.started_at_ms ?? (state?.job.started_at ? Date.parse(state.job.started_at) : 0);
