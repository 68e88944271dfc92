import type { LocalNotification } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import { currentNotices, foldNotices, inNoticeOrder, noticeCountMax } from './notices.ts';

function notice(id: string, rest: Partial<LocalNotification> = {}): LocalNotification {
  return { id, priority: 'info', title: id, body: '', issued_at: '2026-03-01T10:00:00Z', ...rest };
}

describe('foldNotices()', () => {
  const acked = notice('a', { acked_at: '2026-03-01T11:00:00Z' });

  it('puts a new one on top by its time', () => {
    const later = notice('b', { issued_at: '2026-03-02T10:00:00Z' });
    expect(foldNotices([acked], { type: 'notice', notice: later })).toEqual([later, acked]);
  });

  it.each([
    ['keeps the confirmation over an edit', {}, acked.acked_at],
    ['keeps one that came after a reset', { acks_reset_at: '2026-03-01T10:30:00Z' }, acked.acked_at],
    ['drops one that a later reset makes void', { acks_reset_at: '2026-03-01T12:00:00Z' }, undefined],
  ])('%s', (_name, rest, acked_at) => {
    const edit = notice('a', { title: 'edited', ...rest });
    const [after] = foldNotices([acked], { type: 'notice', notice: edit });
    expect(after).toEqual({ ...edit, ...(acked_at ? { acked_at } : {}) });
  });

  it('marks, unmarks and recalls', () => {
    const marked = foldNotices([notice('a')], { type: 'acked', id: 'a', acked_at: '2026-03-01T11:00:00Z' });
    expect(marked).toEqual([acked]);
    expect(foldNotices(marked, { type: 'acked', id: 'a' })).toEqual([notice('a')]);
    expect(foldNotices(marked, { type: 'recalled', id: 'a' })).toEqual([]);
    expect(foldNotices(marked, { type: 'recalled', id: 'b' })).toEqual(marked);
  });
});

it('inNoticeOrder() keeps the newest, as many as there is room for', () => {
  const many = Array.from({ length: noticeCountMax + 5 }, (_, index) =>
    notice(`n${index}`, { issued_at: new Date(index * 1000).toISOString() }),
  );
  const kept = inNoticeOrder(many);
  expect(kept).toHaveLength(noticeCountMax);
  expect(kept[0]?.id).toBe(`n${many.length - 1}`);
});

it('currentNotices() leaves out what has expired', () => {
  const expiring = notice('a', { expires_at: '2026-03-01T12:00:00Z' });
  const endMs = Date.parse('2026-03-01T12:00:00Z');
  expect(currentNotices([expiring], endMs - 1)).toEqual([expiring]);
  expect(currentNotices([expiring, notice('b')], endMs).map(({ id }) => id)).toEqual(['b']);
});
