import { describe, expect, it } from 'vitest';
import { createSession } from './session.ts';

describe('createSession()', () => {
  it('gives a key for its token, once', () => {
    const session = createSession();
    const key = session.exchange(session.token);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(session.exchange(session.token)).toBeUndefined();
    expect(session.holds(key ?? '')).toBe(true);
  });

  it('keeps the token good after wrong ones', () => {
    const session = createSession();
    for (const wrong of ['', 'guess', `${session.token}x`]) expect(session.exchange(wrong)).toBeUndefined();
    expect(session.exchange(session.token)).toBeDefined();
  });

  it('holds nothing before the exchange, and neither the token nor another key after it', () => {
    const session = createSession();
    expect(session.holds('')).toBe(false);
    session.exchange(session.token);
    expect([session.holds(''), session.holds(session.token), session.holds('x'.repeat(43))]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it('is another one each time', () => {
    expect(createSession().token).not.toBe(createSession().token);
  });
});
