import { expect, it } from 'vitest';
import { createContact } from './contact.ts';

it('what was read grows old while the machine sleeps, and is never up to date without a connection', () => {
  let nowMs = 0;
  const file = { transact: () => undefined as never, look: () => undefined as never };
  const contact = createContact(file, () => nowMs);
  expect(contact.ageMs()).toBe(Number.POSITIVE_INFINITY);
  contact.set('current');
  nowMs += 60_000;
  expect(contact.ageMs()).toBe(0);
  contact.set('away');
  expect(contact.ageMs()).toBe(1);
  nowMs += 8 * 3_600_000; // the lid was closed
  expect(contact.ageMs()).toBe(8 * 3_600_000);
  contact.set('reading');
  expect(contact.ageMs()).toBe(8 * 3_600_000);
});
