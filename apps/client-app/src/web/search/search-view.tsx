import type { UserInvokableJob } from '@kanade/shared/local';
import type { JSX } from 'preact';
import type { RunView } from '../../run/runs.ts';
import { AgeNote } from '../catalogue/age-note.tsx';
import type { CatalogueAge } from '../state/page-state.ts';
import { useText } from '../text/language.ts';
import { EmptyState } from '../view/empty-state.tsx';
import { JobList } from '../view/job-list.tsx';
import { searchJobs } from './search.ts';

export interface SearchViewProps {
  readonly query: string;
  readonly age: CatalogueAge | undefined;
  readonly jobs: readonly UserInvokableJob[];
  readonly runs: readonly RunView[];
  /** False while no job can be started. */
  readonly isReady: boolean;
  readonly onStart: (job: UserInvokableJob) => void;
}

export function SearchView({ query, age, jobs, runs, isReady, onStart }: SearchViewProps): JSX.Element {
  const text = useText();
  const found = searchJobs(jobs, query);
  return (
    <section aria-labelledby="view-title">
      <h2 id="view-title">{text.foundFor(query)}</h2>
      <p class={found.length === 0 ? 'visually-hidden' : 'lead'} role="status">
        {text.jobsFound(found.length)}
      </p>
      <AgeNote age={age} />
      {found.length === 0 ? (
        <EmptyState icon="search" title={text.nothingFoundTitle}>
          {text.nothingFoundText}
        </EmptyState>
      ) : (
        <JobList jobs={found} runs={runs} isReady={isReady} onStart={onStart} />
      )}
    </section>
  );
}
