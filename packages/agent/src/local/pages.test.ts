import type { UserInvokableJob } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import { cataloguePage } from './pages.ts';

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
    expect(items).toEqual([job('large')]);
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
