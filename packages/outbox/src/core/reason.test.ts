import { expect, it } from 'vitest';
import { failureReason } from './reason.ts';

const fail = () => {
  throw new Error('no');
};

it.each<{ name: string; thrown: unknown; reason: string }>([
  { name: 'an error', thrown: new RangeError('too far'), reason: 'RangeError: too far' },
  { name: 'text', thrown: 'away', reason: 'away' },
  { name: 'nothing', thrown: undefined, reason: 'undefined' },
  { name: 'a symbol', thrown: Symbol('s'), reason: 'Symbol(s)' },
  { name: 'an object', thrown: { status: 503 }, reason: '{ status: 503 }' },
  {
    name: 'an object without a prototype',
    thrown: Object.assign(Object.create(null), { code: 5 }),
    reason: '[Object: null prototype] { code: 5 }',
  },
  {
    name: 'an object whose toString throws',
    thrown: { n: 1, toString: fail },
    reason: '{ n: 1, toString: [Function: fail] }',
  },
  {
    name: 'an error whose message throws',
    thrown: Object.defineProperty(new Error('a'), 'message', { get: fail }),
    reason: 'a value that cannot be printed (object)',
  },
  {
    name: 'a proxy that throws',
    thrown: new Proxy({}, { getPrototypeOf: fail }),
    reason: 'a value that cannot be printed (object)',
  },
  { name: 'text that SQLite cannot store', thrown: 'a\0b\ud800', reason: 'a\ufffdb\ufffd' },
])('$name becomes a reason', ({ thrown, reason }) => {
  expect(failureReason(thrown)).toBe(reason);
});

it('is cut to what a row takes', () => {
  expect(failureReason(new Error('x'.repeat(100_000)))).toHaveLength(2_000);
});
