import { expect, it } from 'vitest';
import { createLogger } from '../config/logger.ts';
import { createLastLogon } from './own-load.ts';

const log = createLogger('silent', () => undefined);

it('createLastLogon() looks again only when sessions changed, and remembers who was there', () => {
  const rows = new Map([
    [1, 'ann:x:1:1:Ann Ada,room 1,,:/:/bin/sh'],
    [2, 'bob:x:2:2::/:/bin/sh'],
  ]);
  let [stamp, user, looks]: [string | undefined, { name: string; uid: number } | undefined, number] = [
    '1',
    undefined,
    0,
  ];
  const lastLogon = createLastLogon(log, {
    stamp: () => stamp,
    activeUser: () => {
      looks++;
      if (user?.name === 'gone') throw new Error('the session ended a moment ago');
      return user;
    },
    accountRow: (uid) => rows.get(uid) ?? '',
  });
  const at = (next: string | undefined, who: typeof user) => {
    [stamp, user] = [next, who];
    return lastLogon();
  };
  expect(at('1', undefined)).toEqual({});
  const ann = { last_logon_user: 'ann', last_logon_display_name: 'Ann Ada' };
  expect(at('2', { name: 'ann', uid: 1 })).toEqual(ann);
  expect(at('2', { name: 'bob', uid: 2 })).toEqual(ann); // nothing has changed, says the system
  expect(at('3', undefined)).toEqual(ann);
  expect(at('4', { name: 'gone', uid: 9 })).toEqual(ann);
  expect(at('5', { name: 'bob', uid: 2 })).toEqual({ last_logon_user: 'bob' });
  expect(at('6', { name: 'far', uid: 3 })).toEqual({ last_logon_user: 'far' });
  expect(at(undefined, undefined)).toEqual({ last_logon_user: 'far' });
  expect(looks).toBe(6);
});
