import type { LocalNotification } from '@kanade/shared/local';
import { expect, it } from 'vitest';
import { isOpen, stepReading } from './reading.ts';

const notice: LocalNotification = {
  id: 'n',
  priority: 'info',
  title: 't',
  body: 'b',
  issued_at: '2026-03-01T10:00:00Z',
};

it.each([
  ['one that asks for nothing', notice, ['n']],
  ['one that is read already', { ...notice, acked_at: '2026-03-01T11:00:00Z' }, []],
  ['one that wants to be confirmed', { ...notice, require_ack: true }, []],
] as [string, LocalNotification, string[]][])('opening %s acknowledges %j', (_name, opened, acknowledged) => {
  const [reading, effects] = stepReading({}, { type: 'toggle', notice: opened });
  expect(isOpen(reading, opened)).toBe(true);
  expect(effects.map(({ id }) => id)).toEqual(acknowledged);
  const [closed, none] = stepReading(reading, { type: 'toggle', notice: opened });
  expect([isOpen(closed, opened), none]).toEqual([false, []]);
});

it('a link opens and never closes', () => {
  const [reading] = stepReading({}, { type: 'linked', notice });
  expect(stepReading(reading, { type: 'linked', notice })).toEqual([reading, []]);
});

it('an edit that makes confirmations void closes what was open, and names of objects are no ids', () => {
  const [reading] = stepReading({}, { type: 'toggle', notice });
  expect(isOpen(reading, { ...notice, acks_reset_at: '2026-03-01T12:00:00Z' })).toBe(false);
  expect(isOpen(reading, { ...notice, id: 'constructor' })).toBe(false);
});
