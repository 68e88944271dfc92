import { expect, it } from 'vitest';
import { formatTrace } from './format.ts';

const atMs = Date.UTC(2026, 10, 21, 8);
const head = { at: '2026-11-21T08:00:00.000Z', label: 'uid-1000', direction: 'in' };

it.each([
  [
    'a request',
    '{"jsonrpc":"2.0","id":"1","method":"support.unlock","params":{"code":"hunter2"}}',
    { bytes: 80, kind: 'request', id: '1', method: 'support.unlock' },
    { params: { code: 'hunter2' } },
  ],
  [
    'a push',
    '{"jsonrpc":"2.0","method":"a.b","params":{"x":1}}',
    { kind: 'notification', method: 'a.b' },
    { params: { x: 1 } },
  ],
  ['a result', '{"jsonrpc":"2.0","id":"1","result":"hunter2"}', { kind: 'response', id: '1' }, { result: 'hunter2' }],
  [
    'an error',
    '{"jsonrpc":"2.0","id":"1","error":{"code":-32001,"data":{"kind":"NotFound","detail":"hunter2"}}}',
    { kind: 'response', id: '1', error: 'NotFound' },
    { detail: 'hunter2' },
  ],
  ['no JSON', 'hunter2', { kind: 'malformed', id: null, error: 'ParseError' }, { detail: 'the body is not JSON' }],
])('formatTrace shows the envelope of %s, and the rest only when it is told to', (_name, body, envelope, rest) => {
  const entry = { direction: 'in', body } as const;
  const short = formatTrace(entry, { label: 'uid-1000', atMs });
  expect(JSON.parse(short)).toEqual({ ...head, bytes: body.length, ...envelope });
  expect(short).not.toContain('hunter2');
  expect(JSON.parse(formatTrace(entry, { label: 'uid-1000', atMs, bodies: true }))).toEqual({
    ...head,
    bytes: body.length,
    ...envelope,
    ...rest,
  });
});

it('formatTrace says of a body that it is not UTF-8', () => {
  const line = formatTrace({ direction: 'out', body: undefined }, { atMs });
  expect(JSON.parse(line)).toEqual({ at: head.at, direction: 'out', kind: 'not_utf8' });
});
