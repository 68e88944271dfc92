import { describe, expect, it } from 'vitest';
import { createSession, invitationsMax } from './session.ts';

describe('createSession()', () => {
  it('gives a key for a token, once', () => {
    const session = createSession();
    const { token } = session.issue();
    const key = session.exchange(token);
    expect(key).toMatch(/^[\w-]{43}$/);
    expect(session.exchange(token)).toBeUndefined();
    expect(session.holds(key ?? '')).toBe(true);
  });

  it('keeps a token good after wrong ones', () => {
    const session = createSession();
    const { token } = session.issue();
    for (const wrong of ['', 'guess', `${token}x`]) expect(session.exchange(wrong)).toBeUndefined();
    expect(session.exchange(token)).toBeDefined();
  });

  it('holds nothing before an exchange, and neither a token nor another key after it', () => {
    const session = createSession();
    const { token } = session.issue();
    expect(session.holds('')).toBe(false);
    session.exchange(token);
    expect([session.holds(''), session.holds(token), session.holds('x'.repeat(43))]).toEqual([false, false, false]);
  });

  it('issues another token each time, each good once and for the same session', () => {
    const session = createSession();
    const [first, second] = [session.issue(), session.issue()];
    expect(first.token).not.toBe(second.token);
    expect(session.exchange(second.token)).toBe(session.exchange(first.token));
    expect(createSession().issue().token).not.toBe(first.token);
  });

  it('lets the oldest token go when too many wait, and says so', async () => {
    const session = createSession();
    const invitations = Array.from({ length: invitationsMax + 1 }, () => session.issue());
    await invitations[0]?.used;
    expect(invitations.map(({ token }) => session.exchange(token) !== undefined)).toEqual([
      false,
      ...Array.from({ length: invitationsMax }, () => true),
    ]);
    await Promise.all(invitations.map(({ used }) => used));
  });
});
