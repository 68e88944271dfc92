import { describe, expect, it } from 'vitest';
import { resolveOutboxLimits } from '../core/limits.ts';
import { checksumOf, encodeRecord, isIntact, type OutboxRecord } from './record.ts';

const limits = resolveOutboxLimits({ bodyBytesMax: 4 });
const record = { id: 'a', subject: 's', body: new Uint8Array([1, 2]) };

describe('encodeRecord', () => {
  it('makes equal headers equal bytes, whatever their order', () => {
    const one = encodeRecord({ ...record, headers: { b: '1', a: '2' } }, limits);
    const other = encodeRecord({ ...record, headers: { a: '2', b: '1' } }, limits);
    expect(one).toEqual(other);
  });

  it('counts body, id, subject and headers in bytes', () => {
    expect(encodeRecord({ ...record, id: 'é' }, limits).bytes).toBe(2 + 2 + 1 + 2);
  });

  it.each<{ name: string; change: object; error: unknown }>([
    { name: 'an empty id', change: { id: '' }, error: RangeError },
    { name: 'a long id', change: { id: 'x'.repeat(513) }, error: RangeError },
    { name: 'half a surrogate pair', change: { id: '\ud800' }, error: RangeError },
    { name: 'NUL in the subject', change: { subject: 'a\0' }, error: RangeError },
    { name: 'a number as id', change: { id: 7 }, error: TypeError },
    { name: 'a string as body', change: { body: 'text' }, error: TypeError },
    { name: 'a header that is a number', change: { headers: { a: 1 } }, error: TypeError },
    { name: 'headers that are null', change: { headers: 'x' }, error: TypeError },
    { name: 'half a priority', change: { priority: 0.5 }, error: RangeError },
    { name: 'an expiry that is no number', change: { expiresAtMs: Number.NaN }, error: RangeError },
  ])('refuses $name', ({ change, error }) => {
    expect(() => encodeRecord({ ...record, ...change } as OutboxRecord, limits)).toThrow(error as typeof RangeError);
  });

  it('refuses a body over the limit and says both sizes', () => {
    const encode = () => encodeRecord({ ...record, body: new Uint8Array(5) }, limits);
    const exceeded = { limit: 'bodyBytesMax', maximum: 4, actual: 5 };
    expect(encode).toThrow(expect.objectContaining({ code: 'record_too_large', exceeded }));
  });
});

describe('checksumOf', () => {
  it('changes when a byte moves from one field to the next', () => {
    const one = { id: 'ab', subject: 'c', headers: '{}', orderKey: null, body: new Uint8Array() };
    expect(checksumOf(one)).not.toBe(checksumOf({ ...one, id: 'a', subject: 'bc' }));
  });
});

describe('isIntact', () => {
  const content = { id: 'a', subject: 's', headers: '{}', orderKey: null, body: new Uint8Array([1]) };
  const row = { ...content, order_key: null, checksum: checksumOf(content) };

  it('takes a row as it was enqueued, also of version 1', () => {
    expect([isIntact(row), isIntact({ ...row, order_key: undefined })]).toEqual([true, true]);
  });

  it.each([
    ['other bytes', { body: new Uint8Array([2]) }],
    ['no body', { body: null }],
    ['a number as body', { body: 1 }],
    ['no id', { id: null }],
    ['a number as headers', { headers: 7 }],
    ['bytes as order key', { order_key: new Uint8Array() }],
    ['no checksum', { checksum: null }],
  ])('refuses %s', (_name, damaged) => {
    expect(isIntact({ ...row, ...damaged })).toBe(false);
  });
});
