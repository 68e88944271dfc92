import type { JSX } from 'preact';
import type { Category } from '../catalogue/categories.ts';
import { useText } from '../text/language.ts';
import { categoryLabel } from '../text/words.ts';
import { JobList, type JobListProps } from './job-list.tsx';

export interface CategoryViewProps extends Omit<JobListProps, 'jobs'> {
  readonly category: Category;
}

export function CategoryView({ category, ...list }: CategoryViewProps): JSX.Element {
  const text = useText();
  return (
    <section aria-labelledby="view-title">
      <h2 id="view-title">{categoryLabel(category, text)}</h2>
      <JobList jobs={category.jobs} {...list} />
    </section>
  );
}
