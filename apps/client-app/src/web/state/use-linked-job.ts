import type { UserInvokableJob } from '@kanade/shared/local';
import { useEffect } from 'preact/hooks';
import type { View } from './use-view.ts';

export interface LinkedJobOptions {
  readonly onFound: (job: UserInvokableJob) => void;
  readonly onMissing: () => void;
}

/** A link to a job leads home and names the job, once: not again with every new list of jobs. */
export function useLinkedJob(
  asked: View,
  jobs: readonly UserInvokableJob[] | undefined,
  { onFound, onMissing }: LinkedJobOptions,
): void {
  useEffect(() => {
    if (asked.kind !== 'job' || !jobs) return;
    location.replace('#/');
    const job = jobs.find(({ id }) => id === asked.id);
    if (job) onFound(job);
    else onMissing();
  }, [asked, jobs]);
}
