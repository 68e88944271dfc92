import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { RunView } from '../../run/board.ts';
import type { Category } from '../catalogue/categories.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { JobRow } from './job-row.tsx';

export interface CategoryViewProps {
  readonly category: Category;
  readonly runs: readonly RunView[];
  /** False while no job can be started. */
  readonly isReady: boolean;
  readonly onStart: (job: UserInvokableJob) => void;
}

export function CategoryView({ category, runs, isReady, onStart }: CategoryViewProps): JSX.Element {
  const text = useText();
  return (
    <section aria-labelledby="category-title">
      <h2 id="category-title">{categoryLabel(category, text)}</h2>
      <ul class="jobs">
        {category.jobs.map((job) => (
          <JobRow
            key={job.id}
            job={job}
            lastRun={runs.findLast((run) => run.job_id === job.id) ?? job.last_run}
            isReady={isReady}
            onStart={() => onStart(job)}
          />
        ))}
      </ul>
    </section>
  );
}
