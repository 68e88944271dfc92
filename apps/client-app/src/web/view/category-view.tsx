import type { JSX } from 'preact';
import { AgeNote } from '../catalogue/age-note.tsx';
import type { Category } from '../catalogue/categories.ts';
import type { CatalogueAge } from '../state/page-state.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { JobList, type JobListProps } from './job-list.tsx';

export interface CategoryViewProps extends Omit<JobListProps, 'jobs'> {
  readonly category: Category;
  readonly age: CatalogueAge | undefined;
}

export function CategoryView({ category, age, ...list }: CategoryViewProps): JSX.Element {
  const text = useText();
  return (
    <section aria-labelledby="view-title">
      <h2 id="view-title">{categoryLabel(category, text)}</h2>
      <AgeNote age={age} />
      {/* Behind the rest: whoever shows it has the list of all jobs among that. */}
      <JobList {...list} jobs={category.jobs} />
    </section>
  );
}
