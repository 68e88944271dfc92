/** Long lists in pages that fit into one message. A cursor names a place, not a thing: what comes or goes between two pages moves nothing else. */
import { KlpError } from '@kanade/klp';
import type { LocalNotification, UserInvokableJob } from '@kanade/shared/local';
import { limits } from '../limits.ts';

export interface ListPage<T> {
  items: T[];
  /** There is more: where the next page begins. */
  next_cursor?: string;
}

/**
 * The jobs behind `cursor`, as many as fit, in an order that is the same on every machine. Throws KlpError `InvalidParams` for a cursor
 * that was not given here.
 */
export function cataloguePage(
  jobs: readonly UserInvokableJob[],
  cursor: string | undefined,
): ListPage<UserInvokableJob> {
  const from = cursor === undefined ? undefined : placeOf(cursor);
  const behind = from && { display_name: from[0], id: from[1] };
  const rest = [...jobs].sort(byName).filter((job) => behind === undefined || byName(job, behind) > 0);
  const placed = rest.map((job) => (bytesOf(job) > limits.pageBytes ? withoutPictures(job) : job));
  return pageOf(placed, { placeOf: ({ display_name, id }) => [display_name, id] });
}

/** At most `countMax` of the notifications behind `cursor`, as many as fit, the newest first. Throws as `cataloguePage` does. */
export function noticesPage(
  notices: readonly LocalNotification[],
  { cursor, countMax }: { readonly cursor: string | undefined; readonly countMax: number },
): ListPage<LocalNotification> {
  const from = cursor === undefined ? undefined : placeOf(cursor);
  const behind = from && { issued_at: from[0], id: from[1] };
  const rest = [...notices].sort(byAge).filter((notice) => behind === undefined || byAge(notice, behind) > 0);
  return pageOf(rest, { countMax, placeOf: ({ issued_at, id }) => [issued_at, id] });
}

type Place = readonly [string, string];

/** At least one, however long it is. */
function pageOf<T extends object>(
  rest: readonly T[],
  {
    countMax = Number.POSITIVE_INFINITY,
    placeOf,
  }: { readonly countMax?: number; readonly placeOf: (item: T) => Place },
): ListPage<T> {
  const items: T[] = [];
  let bytes = 0;
  for (const item of rest) {
    bytes += bytesOf(item);
    const last = items.at(-1);
    if (last && (items.length >= countMax || bytes > limits.pageBytes))
      return { items, next_cursor: cursorOf(placeOf(last)) };
    items.push(item);
  }
  return { items };
}

const cursorOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');

function placeOf(cursor: string): Place {
  try {
    const [first, id, ...more] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (typeof first === 'string' && typeof id === 'string' && more.length === 0) return [first, id];
  } catch {
    // said below
  }
  throw new KlpError('InvalidParams', 'cursor: give next_cursor of an earlier answer, or none');
}

const bytesOf = (item: object): number => Buffer.byteLength(JSON.stringify(item)) + 1;

/** A job that would not fit alone: what it looks like goes, what it is stays. */
const withoutPictures = ({ icon: _, category_icon: __, display_description: ___, ...job }: UserInvokableJob) => job;

type Named = Pick<UserInvokableJob, 'display_name' | 'id'>;

/** By display name, then by id, in the order of the code points, so that every machine lists alike. */
export function byName(a: Named, b: Named): number {
  return compare(a.display_name, b.display_name) || compare(a.id, b.id);
}

type Issued = Pick<LocalNotification, 'issued_at' | 'id'>;

const byAge = (a: Issued, b: Issued): number =>
  Date.parse(b.issued_at) - Date.parse(a.issued_at) || compare(a.id, b.id);

/** As UTF-8 texts stand in the order of their code points; as UTF-16 they do not. */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
