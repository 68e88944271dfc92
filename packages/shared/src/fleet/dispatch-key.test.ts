import { expect, it } from 'vitest';
import { dispatchKey, parseDispatchKey } from './dispatch-key.ts';

it('dispatchKey() keeps pairs apart that share a plain join', () => {
  expect(dispatchKey({ kind: 'pc', schedule: 'a.b', pc: 'c' })).toBe('pc.3.a.b.1.c');
  expect(dispatchKey({ kind: 'pc', schedule: 'a', pc: 'b.c' })).toBe('pc.1.a.3.b.c');
  expect(dispatchKey({ kind: 'target', schedule: 'a' })).toBe('target.1.a');
});

it.each(['', 'pc.', 'pc.1.ab.1.c', 'pc.9.a.1.b', 'pc.1.a', 'target.2.a', 'target.1.a.1.b', 'target.01.a', 'x.1.a'])(
  'parseDispatchKey(%j) is none',
  (key) => {
    expect(parseDispatchKey(key)).toBeUndefined();
  },
);
