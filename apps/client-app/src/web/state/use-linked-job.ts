import type { UserInvokableJob } from '@kanade/shared/local';
import { useEffect } from 'preact/hooks';
import { type View, viewHref } from './use-view.ts';

export interface LinkedJobOptions {
  readonly onFound: (job: UserInvokableJob) => void;
  readonly onMissing: () => void;
}

/**
 * A link to a job leads to where the job stands among its like, so that what becomes of it is seen, and names it, once: not again with every
 * new list of jobs.
 */
export function useLinkedJob(
  asked: View,
  jobs: readonly UserInvokableJob[] | undefined,
  { onFound, onMissing }: LinkedJobOptions,
): void {
  useEffect(() => {
    if (asked.kind !== 'job' || !jobs) return;
    const job = jobs.find(({ id }) => id === asked.id);
    location.replace(viewHref(job ? { kind: 'category', key: job.category } : { kind: 'home' }));
    if (job) onFound(job);
    else onMissing();
  }, [asked, jobs]);
}
