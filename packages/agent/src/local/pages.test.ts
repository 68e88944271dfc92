import type { LocalNotification, UserInvokableJob } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import { cataloguePage, noticesPage } from './pages.ts';

const job = (id: string, display_name = id, more: Partial<UserInvokableJob> = {}): UserInvokableJob => ({
  id,
  display_name,
  category: 'c',
  version: '1',
  ...more,
});

/** Every page, asked for as a client does. */
function pagesOf(
  jobs: readonly UserInvokableJob[],
  between: (asked: number) => readonly UserInvokableJob[] = () => jobs,
) {
  const pages = [];
  for (let cursor: string | undefined, asked = 0; ; asked++) {
    const page = cataloguePage(asked === 0 ? jobs : between(asked), cursor);
    pages.push(page.items);
    cursor = page.next_cursor;
    if (cursor === undefined) return pages;
  }
}

describe('cataloguePage()', () => {
  it('sorts by name, then by id, in the order of the code points', () => {
    const names = ['\u{1F4BB} above', '\uFF21 below', 'B', 'A', '日本'];
    const { items, next_cursor } = cataloguePage([...names.map((name) => job(name, name)), job('z', 'A')], undefined);
    expect(items.map(({ id }) => id)).toEqual(['A', 'z', 'B', '日本', '\uFF21 below', '\u{1F4BB} above']);
    expect(next_cursor).toBeUndefined();
  });

  const many = Array.from({ length: 300 }, (_, at) => job(`job-${at}`, `Job ${at % 7}`, { icon: 'x'.repeat(12_000) }));

  it('cuts what does not fit into one message into pages, and leaves out and repeats none', () => {
    const pages = pagesOf(many);
    expect(pages.length).toBeGreaterThan(2);
    for (const items of pages) expect(JSON.stringify(items).length).toBeLessThan(1_000_000);
    expect(pages.flat().map(({ id }) => id)).toEqual(
      cataloguePage(
        many.map(({ icon: _, ...rest }) => rest),
        undefined,
      ).items.map(({ id }) => id),
    );
  });

  it('a job that goes between two pages moves no other one', () => {
    const [first = []] = pagesOf(many);
    const gone = new Set(first.slice(-3).map(({ id }) => id));
    const ids = pagesOf(many, () => many.filter(({ id }) => !gone.has(id)))
      .flat()
      .map(({ id }) => id);
    expect(new Set(ids).size).toBe(many.length);
    expect(ids).toHaveLength(many.length);
  });

  it('a job that would fill a message alone comes without its picture', () => {
    const [items] = pagesOf([job('small'), job('large', 'large', { icon: 'x'.repeat(1_000_000) })]);
    expect(items).toEqual([job('large'), job('small')]);
  });

  it.each([
    '',
    'x',
    '..',
    'null',
    Buffer.from('{"a":1}').toString('base64url'),
    Buffer.from('[1,2]').toString('base64url'),
  ])('refuses the cursor %j and says what to do', (cursor) => {
    expect(() => cataloguePage([job('a')], cursor)).toThrow('cursor: give next_cursor of an earlier answer, or none');
  });
});

describe('noticesPage()', () => {
  const notice = (id: string, issued_at: string, body = ''): LocalNotification => ({
    ...{ id, issued_at, body },
    ...{ priority: 'info', title: id },
  });
  const all = [
    notice('b', '2026-11-27T09:00:00.000+09:00'),
    notice('a', '2026-11-27T00:00:00Z'),
    notice('newest', '2026-11-27T00:00:01Z'),
    notice('oldest', '2025-01-01T00:00:00Z'),
  ];
  const ids = ({ items }: { items: readonly LocalNotification[] }) => items.map(({ id }) => id);

  it('gives the newest first, as many as were asked for, and goes on behind a place whose notification has gone', () => {
    const first = noticesPage(all, { cursor: undefined, countMax: 2 });
    expect(ids(first)).toEqual(['newest', 'a']);
    const left = all.filter(({ id }) => !ids(first).includes(id));
    const second = noticesPage(left, { cursor: first.next_cursor, countMax: 2 });
    expect(ids(second)).toEqual(['b', 'oldest']);
    expect(second.next_cursor).toBeUndefined();
  });

  it('gives no more than a message carries, and one at least', () => {
    const long = all.map((one) => ({ ...one, body: 'あ'.repeat(150_000) }));
    const pages: string[][] = [];
    for (let cursor: string | undefined; ; ) {
      const page = noticesPage(long, { cursor, countMax: 200 });
      expect(Buffer.byteLength(JSON.stringify(page))).toBeLessThan(1_048_576);
      pages.push(ids(page));
      cursor = page.next_cursor;
      if (cursor === undefined) break;
    }
    expect(pages).toEqual([
      ['newest', 'a'],
      ['b', 'oldest'],
    ]);
  });

  it.each(['', 'newest', 'null'])('refuses the cursor %j and says what to do', (cursor) => {
    expect(() => noticesPage(all, { cursor, countMax: 2 })).toThrow('cursor: give next_cursor of an earlier answer');
  });
});
