import type { LocalNotification } from '@kanade/shared/local';
import { expect, it } from 'vitest';
import { limits } from '../limits.ts';
import type { Toast } from '../store/toasts.ts';
import { dueFor } from './due.ts';

const nowMs = Date.parse('2026-11-27T08:00:00Z');
const notice = (id: string, ageMs = 0, toast = true): LocalNotification => ({
  ...{ id, priority: 'info', title: id, body: '', toast },
  issued_at: new Date(nowMs - ageMs).toISOString(),
});
const place = { bus: 'b', owner: ':1.1', toast: 1 };

function due(unread: readonly LocalNotification[], toasts: Readonly<Record<string, Toast>> = {}) {
  const { show, tooMany, close } = dueFor({ unread, toasts: new Map(Object.entries(toasts)), nowMs });
  return { show: show.map(({ id }) => id), tooMany: tooMany.map(({ id }) => id), close };
}

it.each<[string, Toast | undefined, string[]]>([
  ['new', undefined, ['n']],
  ['shown before', { outcome: 'shown', place }, []],
  ['shown before it was changed', { outcome: 'changed', place }, ['n']],
  ['with nobody there to show it', { outcome: 'no_server' }, ['n']],
  ['left out before', { outcome: 'too_many' }, []],
])('a notification that is %s', (_, toast, show) => {
  expect(due([notice('n')], toast ? { n: toast } : {})).toEqual({ show, tooMany: [], close: [] });
});

it('only those that ask for it are shown, and not for ever', () => {
  expect(due([notice('quiet', 0, false), notice('old', limits.toastWithinMs)]).show).toEqual([]);
});

it('what was confirmed, recalled or is over leaves the screen; what never was on it does not', () => {
  const toasts = { read: { outcome: 'shown', place }, gone: { outcome: 'shown' }, stays: { outcome: 'shown', place } };
  expect(due([notice('stays')], toasts as Record<string, Toast>)).toEqual({ show: [], tooMany: [], close: ['read'] });
});

it('a person who comes back gets the newest ones, the newest last', () => {
  const many = Array.from({ length: limits.toastsAtOnceMax + 2 }, (_, at) => notice(`n${at}`, at * 1000));
  const { show, tooMany } = due(many);
  expect(show).toEqual(['n4', 'n3', 'n2', 'n1', 'n0']);
  expect(tooMany).toEqual(['n5', 'n6']);
});
