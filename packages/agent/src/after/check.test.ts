import { describe, expect, it } from 'vitest';
import { limits } from '../limits.ts';
import { blockOf } from './block.ts';
import { cutDetail, readVerdict } from './check.ts';

describe('readVerdict()', () => {
  it.each([
    ['both fields', {}, { status: 'ok', detail: 'fine' }, { status: 'ok', detail: 'fine' }],
    ['a status alone', {}, { status: 'warn' }, { status: 'warn' }],
    [
      'fields of other names',
      { status_field: 's', detail_field: 'd' },
      { s: 'fail', d: 'x' },
      { status: 'fail', detail: 'x' },
    ],
    ['a number as detail', {}, { status: 'ok', detail: 3 }, { status: 'ok', detail: '3' }],
    ['an object as detail', {}, { status: 'ok', detail: {} }, { status: 'ok' }],
    ['an empty detail', {}, { status: 'ok', detail: '' }, { status: 'ok' }],
    ['unknown as a status', {}, { status: 'unknown', detail: 'x' }, { status: 'unknown', detail: 'x' }],
    ['no status', {}, { detail: 'x' }, { status: 'unknown', detail: 'field status is missing' }],
    [
      'another word',
      {},
      { status: 'OK' },
      { status: 'unknown', detail: 'field status is none of ok, warn, fail, unknown' },
    ],
    [
      'a field that every object has',
      { status_field: 'constructor' },
      {},
      { status: 'unknown', detail: 'field constructor is missing' },
    ],
  ])('%s', (_name, hint, fields, verdict) => {
    expect(readVerdict({ name: 'disk', ...hint }, fields)).toEqual(verdict);
  });

  it('cuts a detail of a megabyte, and shorter where its characters take more as JSON', () => {
    const { detail = '' } = readVerdict({ name: 'disk' }, { status: 'fail', detail: 'ä'.repeat(1_000_000) });
    expect(detail).toMatch(/^ä+ …\[cut\]$/);
    expect(Buffer.byteLength(detail)).toBeLessThanOrEqual(limits.checkDetailBytesMax + 10);
    expect(JSON.stringify(cutDetail('\u0001'.repeat(1_000_000))).length).toBeLessThan(limits.checkDetailBytesMax * 2);
    expect(cutDetail('x'.repeat(limits.checkDetailBytesMax))).toHaveLength(limits.checkDetailBytesMax);
  });
});

describe('blockOf()', () => {
  it.each([
    ['an object', '{"a":1}', { fields: { a: 1 } }],
    ['an object behind Windows line ends', '{"a":\r\n1}\r\n', { fields: { a: 1 } }],
    ['a list', '[1]', { fault: 'what was printed for CHECK is no JSON object' }],
    ['null', 'null', { fault: 'what was printed for CHECK is no JSON object' }],
    ['NaN', '{"a":NaN}', { fault: 'what was printed for CHECK is no JSON' }],
    ['text', 'all is well', { fault: 'what was printed for CHECK is no JSON' }],
    ['nothing', '', { fault: 'what was printed for CHECK is no JSON' }],
    ['what would take long to parse', '['.repeat(60_000), { fault: expect.stringContaining('has too many parts') }],
  ])('%s', async (_name, text, block) => {
    expect(await blockOf({ found: 'fenced', text }, 'CHECK')).toEqual(block);
  });

  it.each([
    ['none', 'nothing was printed for CHECK'],
    ['unclosed', 'the CHECK block has no end line'],
    ['too_long', expect.stringContaining('is over 2097152 characters')],
  ] as const)('%s', async (found, fault) => {
    expect(await blockOf({ found }, 'CHECK')).toEqual({ fault });
  });
});
