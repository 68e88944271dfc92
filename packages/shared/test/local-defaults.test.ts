import {
  LocalNotification,
  localContract,
  localDefaults,
  notificationDefaults,
  omitDefaults,
  withDefaults,
} from '@kanade/shared/local';
import { expect, it } from 'vitest';

const notification = { id: 'n', priority: 'info', title: 't', body: 'b', issued_at: '2026-11-21T08:00:00Z' };

it('defaults are there on read and gone on write', () => {
  const read = withDefaults(LocalNotification.parse(notification), notificationDefaults);
  expect(read.require_ack).toBe(false);
  expect(omitDefaults(read, notificationDefaults)).toEqual(notification);
});

it('what is not at its default is written', () => {
  const read = LocalNotification.parse({ ...notification, require_ack: true });
  expect(omitDefaults(read, notificationDefaults)).toEqual({ ...notification, require_ack: true });
});

it.each(Object.entries(localDefaults))('the defaults of %s fit its shapes', (name, defaults) => {
  const { params } = localContract.methods[name as keyof typeof localDefaults];
  expect(params.parse(defaults.params)).toEqual(defaults.params);
  expect(withDefaults(params.parse({}) ?? {}, defaults.params)).toEqual(defaults.params);
});
