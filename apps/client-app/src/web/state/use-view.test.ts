import { expect, it } from 'vitest';
import { parseView, type View, viewHref } from './use-view.ts';

it.each<[string, View]>([
  ['#/', { kind: 'home' }],
  ['#/health', { kind: 'health' }],
  ['#/support', { kind: 'support' }],
  ['#/notifications', { kind: 'notifications' }],
  ['#/category/a%2Fb', { kind: 'category', key: 'a/b' }],
  ['#notification=n1', { kind: 'notifications', id: 'n1' }],
  ['#job=disk-report', { kind: 'job', id: 'disk-report' }],
])('parseView() and viewHref() are each other of %s', (hash, view) => {
  expect(parseView(hash)).toEqual(view);
  expect(viewHref(view)).toBe(hash);
});

it.each(['', '#', '#/nowhere', '#/constructor', '#/category/%', '#job=%E0%A4%A', '#job='])(
  'parseView() of %j is home',
  (hash) => {
    expect(parseView(hash)).toEqual({ kind: 'home' });
  },
);
