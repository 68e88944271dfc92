import { describe, expect, it } from 'vitest';
import { userPolicy } from './user-policy.ts';

const passwd = [
  'root:x:0:0:root:/root:/bin/bash',
  'daemon:x:1:1::/:/usr/sbin/nologin',
  'ann:x:1000:1000:Ann:/home/ann:/bin/bash',
  'bob:x:1001:1001::/home/bob:/usr/sbin/nologin',
  'cid:x:1002:1002::/home/cid:',
  'dan:x:1003:1003::/home/dan:bash',
  'eve:x:1004:1004::/home/eve:/opt/shell',
  'fay:x:1005:1005::/home/fay:/bin/false',
  'gus:x:1006:1006::/home/gus:#bash',
].join('\n');
const shells = '# valid login shells\n/bin/sh\n/bin/bash\n/bin/false\n/usr/sbin/nologin\n#bash\n';

describe('userPolicy', () => {
  it.each([
    ['a person', 1000, true],
    ['root', 0, false],
    ['a system account', 1, false],
    ['nologin, even when listed', 1001, false],
    ['an empty shell', 1002, false],
    ['a relative shell', 1003, false],
    ['an unlisted shell', 1004, false],
    ['false, even when listed', 1005, false],
    ['a shell that is a comment', 1006, false],
    ['nobody we know', 4242, false],
  ])('%s', (_name, uid, ok) => {
    const accept = userPolicy({ minUid: 1000, readPasswd: () => passwd, readShells: () => shells });
    expect(accept({ uid }).ok).toBe(ok);
  });

  it.each([0, 1, 4242])('accepts uid %i once it is named', (uid) => {
    const accept = userPolicy({ allowUids: [uid], readPasswd: () => '', readShells: () => '' });
    expect(accept({ uid })).toEqual({ ok: true });
  });

  it('refuses everybody when a list cannot be read', () => {
    const broken = () => {
      throw new Error('EIO');
    };
    expect(userPolicy({ minUid: 1000, readPasswd: broken, readShells: () => shells })({ uid: 1000 }).ok).toBe(false);
    expect(userPolicy({ minUid: 1000, readPasswd: () => passwd, readShells: broken })({ uid: 1000 }).ok).toBe(false);
  });
});
