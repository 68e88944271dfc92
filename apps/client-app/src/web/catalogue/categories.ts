import type { UserInvokableJob } from '@kanade/shared/local';

/** A tab of the page: the jobs of one category and how the tab looks. */
export interface Category {
  readonly key: string;
  /** A text of the operator, or the built-in label's key. */
  readonly label: { readonly text: string } | { readonly builtIn: BuiltInLabel };
  readonly icon: string;
  readonly order: number;
  readonly jobs: readonly UserInvokableJob[];
}

export type BuiltInLabel = 'categoryUpdates' | 'categoryTroubleshoot' | 'categoryCatalog';

const builtIn: Record<string, { readonly label: BuiltInLabel; readonly icon: string; readonly order: number }> = {
  software_update: { label: 'categoryUpdates', icon: 'download', order: 10 },
  troubleshoot: { label: 'categoryTroubleshoot', icon: 'wrench', order: 20 },
  catalog: { label: 'categoryCatalog', icon: 'package', order: 30 },
};

/** As people read: numbers by their value, and capitals beside small letters. */
const byName = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Of a category nobody described. */
const fallback = { icon: 'box', order: 1000 };

/**
 * One entry per category that has jobs, in reading order. Label, icon and order each come from the first job that
 * says one, else from the built-in categories, else from the key.
 */
export function groupByCategory(jobs: readonly UserInvokableJob[]): readonly Category[] {
  return [...Map.groupBy(jobs, (job) => job.category)]
    .map(([key, members]) => describe(key, members))
    .sort((a, b) => a.order - b.order || a.key.localeCompare(b.key));
}

function describe(key: string, jobs: readonly UserInvokableJob[]): Category {
  const known = Object.hasOwn(builtIn, key) ? builtIn[key] : undefined;
  const label = firstText(jobs.map((job) => job.category_label));
  return {
    key,
    label: label !== undefined ? { text: label } : known ? { builtIn: known.label } : { text: key },
    icon: firstText(jobs.map((job) => job.category_icon)) ?? known?.icon ?? fallback.icon,
    order: jobs.find((job) => job.category_order !== undefined)?.category_order ?? known?.order ?? fallback.order,
    jobs: [...jobs].sort((a, b) => byName.compare(a.display_name, b.display_name)),
  };
}

function firstText(values: readonly (string | undefined)[]): string | undefined {
  return values.find((value) => value !== undefined && value.trim() !== '');
}
