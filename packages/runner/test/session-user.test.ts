import { spawnSync } from 'node:child_process';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { wordsAsUser } from '../src/process/session-user.ts';
import { startProgram } from './program.ts';

const ownMounts = ['unshare', '--mount', '--propagation', 'private'];
const canMount = spawnSync('unshare', [...ownMounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

/** What the job of a person prints and how it ends, with this person at the machine. */
async function jobOf(who: string): Promise<unknown> {
  await using dir = await tempDir();
  return JSON.parse(await startProgram('as-person', [dir.path, who], ownMounts).output);
}

// Needs root and mounts of its own: the sessions of this machine are its own business.
if (canMount) {
  it('runs as the person who is logged in, with groups, home and environment of that person', async () => {
    expect(await jobOf('person')).toEqual({
      ending: { kind: 'exited', exitCode: 0 },
      lines: [
        '4242',
        '4343',
        '4343 4444',
        'HOME_DIR',
        'DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/4242/bus',
        'DISPLAY=:7',
        'GIVEN=1',
        'HOME=HOME_DIR',
        'LANG=C.UTF-8',
        'LOGNAME=person',
        'PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin',
        'SHELL=/bin/sh',
        'USER=person',
        'XDG_RUNTIME_DIR=/run/user/4242',
        'XDG_SESSION_ID=c2',
        'XDG_SESSION_TYPE=wayland',
      ],
    });
  });

  it.each(['nobody', 'login-screen'])('runs nothing, and says so, with %s there', async (who) => {
    expect(await jobOf(who)).toEqual({
      code: 'launch_failed',
      ending: { kind: 'not_started', reason: expect.stringContaining('nobody is logged in') },
    });
  });
}

it('becomes a person with all groups, and hands over every word as it is', () => {
  const user = { name: 'p', uid: 1, gid: 2, home: '/home/p', shell: '/bin/sh', session: { id: '3' } };
  expect(wordsAsUser(user, ['sh', '-c', '$(x)'])).toEqual([
    'setpriv',
    '--reuid=1',
    '--regid=2',
    '--init-groups',
    '--inh-caps=-all',
    '--',
    'sh',
    '-c',
    '$(x)',
  ]);
});
