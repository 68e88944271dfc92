import { expect, it } from 'vitest';
import { createToldEndings } from './told-endings.ts';

const ending = (run_id: string, finished_at?: string) => ({ run_id, status: 'completed' as const, finished_at });

it('take() knows an ending that was told before, and nothing else', () => {
  const endings = createToldEndings();
  expect(endings.take({ run_id: 'a', status: 'running' })).toBe(true);
  expect(endings.take(ending('a'))).toBe(true);
  expect(endings.take(ending('a'))).toBe(false);
  expect(endings.take({ run_id: 'a', status: 'running' })).toBe(true);
  expect(endings.take(ending('b'))).toBe(true);
});

it('take() remembers a bounded number, the newest', () => {
  const endings = createToldEndings();
  for (let at = 0; at < 600; at += 1) endings.take(ending(`r${at}`));
  expect([endings.take(ending('r0')), endings.take(ending('r599'))]).toEqual([true, false]);
});

it('since() is a minute before the newest ending, everything without one, and everything when the clock was set back', () => {
  const endings = createToldEndings();
  const nowMs = Date.parse('2026-03-01T12:00:00Z');
  expect(endings.since(nowMs)).toBeUndefined();
  endings.take(ending('a'));
  expect(endings.since(nowMs)).toBeUndefined();
  endings.take(ending('b', '2026-03-01T10:00:00Z'));
  endings.take(ending('c', '2026-03-01T09:00:00Z'));
  expect(endings.since(nowMs)).toBe('2026-03-01T09:59:00.000Z');
  expect(endings.since(Date.parse('2026-03-01T09:30:00Z'))).toBeUndefined();
});
