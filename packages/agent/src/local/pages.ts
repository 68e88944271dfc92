/** The catalogue in pages that fit into one message, in an order that is the same on every machine. */
import { KlpError } from '@kanade/klp';
import type { UserInvokableJob } from '@kanade/shared/local';
import { limits } from '../limits.ts';

export interface CataloguePage {
  items: UserInvokableJob[];
  /** There is more: where the next page begins. */
  next_cursor?: string;
}

/**
 * The jobs behind `cursor`, as many as fit. It names a place, not a job: one that comes or goes between two pages moves no other one. Throws
 * KlpError `InvalidParams` for a cursor that was not given here.
 */
export function cataloguePage(jobs: readonly UserInvokableJob[], cursor: string | undefined): CataloguePage {
  const from = cursor === undefined ? undefined : placeOf(cursor);
  const rest = [...jobs].sort(byName).filter((job) => from === undefined || byName(job, from) > 0);
  const items: UserInvokableJob[] = [];
  let bytes = 0;
  for (const job of rest) {
    bytes += bytesOf(job);
    const last = items.at(-1);
    if (last && bytes > limits.cataloguePageBytes) return { items, next_cursor: cursorOf(last) };
    items.push(bytesOf(job) > limits.cataloguePageBytes ? withoutPictures(job) : job);
  }
  return { items };
}

type Place = Pick<UserInvokableJob, 'display_name' | 'id'>;

const cursorOf = ({ display_name, id }: Place): string =>
  Buffer.from(JSON.stringify([display_name, id])).toString('base64url');

function placeOf(cursor: string): Place {
  try {
    const [display_name, id, ...more] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof display_name === 'string' && typeof id === 'string' && more.length === 0) return { display_name, id };
  } catch {
    // said below
  }
  throw new KlpError('InvalidParams', 'cursor: give next_cursor of an earlier answer, or none');
}

const bytesOf = (job: UserInvokableJob): number => Buffer.byteLength(JSON.stringify(job)) + 1;

/** A job that would not fit alone: what it looks like goes, what it is stays. */
const withoutPictures = ({ icon: _, category_icon: __, display_description: ___, ...job }: UserInvokableJob) => job;

/** By display name, then by id, in the order of the code points, so that every machine lists alike. */
export function byName(a: Place, b: Place): number {
  return compare(a.display_name, b.display_name) || compare(a.id, b.id);
}

/** As UTF-8 texts stand in the order of their code points; as UTF-16 they do not. */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
