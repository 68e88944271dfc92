import { describe, expect, it } from 'vitest';
import { errors } from '../../test/errors.ts';
import { KlpError, limitError } from './error.ts';
import { decodeMessage, droppedCounts, encodeError, encodePush, encodeRequest, encodeResult } from './message.ts';

describe('decodeMessage', () => {
  it.each([
    [
      'a request',
      '{"jsonrpc":"2.0","id":"1","method":"a","params":{"x":1}}',
      { kind: 'request', id: '1', method: 'a', params: { x: 1 } },
    ],
    [
      'omitted params as {}',
      '{"jsonrpc":"2.0","id":"1","method":"a"}',
      { kind: 'request', id: '1', method: 'a', params: {} },
    ],
    [
      'null params as {}',
      '{"jsonrpc":"2.0","id":"1","method":"a","params":null}',
      { kind: 'request', id: '1', method: 'a', params: {} },
    ],
    ['a notification', '{"jsonrpc":"2.0","method":"a"}', { kind: 'notification', method: 'a', params: {} }],
    [
      'a result',
      '{"jsonrpc":"2.0","id":"1","result":5}',
      { kind: 'response', id: '1', outcome: { ok: true, result: 5 } },
    ],
    [
      'a null result',
      '{"jsonrpc":"2.0","id":"1","result":null}',
      { kind: 'response', id: '1', outcome: { ok: true, result: null } },
    ],
    [
      'a response before a request',
      '{"jsonrpc":"2.0","id":"1","method":"a","result":5}',
      { kind: 'response', id: '1', outcome: { ok: true, result: 5 } },
    ],
  ])('reads %s', (_name, text, expected) => {
    expect(decodeMessage(text)).toEqual(expected);
  });

  it.each([
    ['no JSON', '{', null, 'ParseError'],
    ['an empty body', '', null, 'ParseError'],
    ['an array', '[]', null, 'ParseError'],
    ['a string', '"a"', null, 'ParseError'],
    ['nothing of an envelope', '{"jsonrpc":"2.0"}', null, 'ParseError'],
    ['a number as id', '{"jsonrpc":"2.0","id":1,"method":"a"}', null, 'ParseError'],
    ['a null id', '{"jsonrpc":"2.0","id":null,"method":"a"}', null, 'ParseError'],
    ['another version', '{"jsonrpc":"1.0","id":"7","method":"a"}', '7', 'InvalidRequest'],
    ['a method that is no string', '{"jsonrpc":"2.0","id":"7","method":4}', '7', 'InvalidRequest'],
    ['a byte order mark', '\uFEFF{}', null, 'ParseError'],
  ])('refuses %s', (_name, text, id, kind) => {
    expect(decodeMessage(text)).toMatchObject({ kind: 'malformed', id, error: { kind } });
  });

  it('takes nothing from the prototype', () => {
    const text = '{"__proto__":{"jsonrpc":"2.0","id":"1","method":"a"}}';
    expect(decodeMessage(text)).toMatchObject({ kind: 'malformed', error: { kind: 'ParseError' } });
  });

  it('survives the deepest nesting a body can hold', () => {
    const nested = '['.repeat(500_000);
    expect(decodeMessage(nested).kind).toBe('malformed');
  });
});

describe('errors on the wire', () => {
  it.each(Object.keys(errors))('%s keeps its kind and detail', (kind) => {
    const message = decodeMessage(encodeError('9', new KlpError(kind, 'why'), errors), errors);
    expect(message).toMatchObject({
      kind: 'response',
      id: '9',
      outcome: { ok: false, error: { kind, detail: 'why' } },
    });
  });

  it('carry their limit', () => {
    const passed = { limit: 'bodyBytesMax', maximum: 1, actual: 2 };
    const message = decodeMessage(encodeError(null, limitError('PayloadTooLarge', passed), errors));
    expect(message).toMatchObject({ id: null, outcome: { error: { kind: 'PayloadTooLarge', limit: passed } } });
  });

  it('are known by their number when a peer sends no kind, and Unknown when it sends a new one', () => {
    const bare = decodeMessage('{"jsonrpc":"2.0","id":"1","error":{"code":-32001,"message":"x"}}', errors);
    expect(bare).toMatchObject({ outcome: { error: { kind: 'NotFound' } } });
    const newer = decodeMessage(
      '{"jsonrpc":"2.0","id":"1","error":{"code":-32001,"data":{"kind":"toString"}}}',
      errors,
    );
    expect(newer).toMatchObject({ outcome: { error: { kind: 'Unknown' } } });
  });

  it('cut a detail to 1,000 characters, and cost at most what the smallest cap allows', () => {
    const text = encodeError('1', new KlpError('InternalError', '\u0000'.repeat(100_000)), errors);
    expect(decodeMessage(text)).toMatchObject({ outcome: { error: { detail: '\u0000'.repeat(1000) } } });
    expect(Buffer.byteLength(text)).toBeLessThan(8192);
  });
});

it('encodeError refuses a kind that the contract does not have, and decodeMessage without a contract takes any', () => {
  expect(() => encodeError('1', new KlpError('toString'), errors)).toThrow(TypeError);
  const newer = decodeMessage('{"jsonrpc":"2.0","id":"1","error":{"code":-1,"data":{"kind":"Other"}}}');
  expect(newer).toMatchObject({ outcome: { error: { kind: 'Other' } } });
});

describe('encoders', () => {
  it.each([
    ['request', encodeRequest('1', 'a', {}), '{"jsonrpc":"2.0","id":"1","method":"a","params":{}}'],
    ['void result', encodeResult('1', undefined), '{"jsonrpc":"2.0","id":"1","result":null}'],
    ['push', encodePush('a.b', { x: 1 }), '{"jsonrpc":"2.0","method":"a.b","params":{"x":1}}'],
    [
      'anonymous error',
      encodeError(null, new KlpError('Unauthorized', 'no'), errors),
      '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"Unauthorized","data":{"kind":"Unauthorized","detail":"no"}}}',
    ],
  ])('write a %s', (_name, text, expected) => {
    expect(text).toBe(expected);
  });
});

it.each([
  ['counts', { counts: { a: 1, b: 2 } }, { a: 1, b: 2 }],
  ['only those that are whole and above 0', { counts: { a: 1, b: 0, c: -1, d: 1.5, e: '2', f: null } }, { a: 1 }],
  ['none that counts', { counts: { a: 0 } }, undefined],
  ['no object', { counts: [1] }, undefined],
  ['no counts', {}, undefined],
  ['no params', undefined, undefined],
])('droppedCounts() reads %s', (_name, params, counts) => {
  expect(droppedCounts(params)).toEqual(counts);
});
