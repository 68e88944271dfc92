import type { Check } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import { countsOf, headlineOf, pendingVersion, shownChecks } from './health.ts';

function checks(...statuses: Check['status'][]): Check[] {
  return statuses.map((status, index) => ({ name: `${status}-${index}`, status }));
}

describe('headlineOf()', () => {
  it.each([
    [[], 'unknown'],
    [['unknown'], 'unknown'],
    [['ok'], 'ok'],
    [['ok', 'ok'], 'ok'],
    [['ok', 'unknown'], 'unknown'],
    [['ok', 'warn', 'unknown'], 'warn'],
    [['warn', 'fail', 'ok'], 'fail'],
    [['fail', 'unknown'], 'fail'],
  ] as const)('%j is %s', (statuses, headline) => {
    expect(headlineOf(checks(...statuses))).toBe(headline);
  });

  it('does not look at what is hidden, and nothing but hidden checks is unknown', () => {
    const hidden: Check = { name: 'h', status: 'fail', health_hidden: true };
    expect(headlineOf([hidden])).toBe('unknown');
    expect(headlineOf([hidden, ...checks('ok')])).toBe('ok');
    expect(countsOf([hidden, ...checks('ok', 'ok', 'warn')])).toEqual([
      ['warn', 1],
      ['ok', 2],
    ]);
  });
});

it('shownChecks() puts the worst first and keeps the order among equals', () => {
  expect(shownChecks(checks('ok', 'fail', 'unknown', 'warn', 'fail')).map(({ name }) => name)).toEqual([
    'fail-1',
    'fail-4',
    'warn-3',
    'unknown-2',
    'ok-0',
  ]);
});

it.each([
  ['1.0.0', '1.0.0', undefined],
  ['1.0.0', '', undefined],
  ['1.0.0', '1.1.0', '1.1.0'],
])('pendingVersion() of %s with target %j is %s', (agent_version, target_version, pending) => {
  expect(pendingVersion({ pc_id: 'p', online: true, checks: [], agent_version, target_version })).toBe(pending);
});
