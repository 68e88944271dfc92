import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { RunView } from '../../run/runs.ts';
import { JobRow } from './job-row.tsx';

export interface JobListProps {
  readonly jobs: readonly UserInvokableJob[];
  readonly runs: readonly RunView[];
  /** False while no job can be started. */
  readonly isReady: boolean;
  readonly onStart: (job: UserInvokableJob) => void;
}

export function JobList({ jobs, runs, isReady, onStart }: JobListProps): JSX.Element {
  return (
    <ul class="jobs list box raised">
      {jobs.map((job) => (
        <JobRow key={job.id} job={job} runs={runs} isReady={isReady} onStart={() => onStart(job)} />
      ))}
    </ul>
  );
}
