/** A disk that takes nothing keeps nobody from looking at jobs and stopping them. */
import { spawnSync } from 'node:child_process';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { startProgram } from './program.ts';

/** Mounts of its own, gone with its process; only where the system lets us. */
const ownMounts = ['unshare', '--mount', '--propagation', 'private'];
const canMount = spawnSync('unshare', [...ownMounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

const disks: [how: string, wrapper: string[]][] = [['forbidden', []]];
if (canMount) disks.push(['full', ownMounts], ['read-only', ownMounts]);

it.each(disks)('%s: settle, list and stop work', async (how, wrapper) => {
  await using dir = await tempDir();
  const text = await startProgram('no-room', [dir.path, how], wrapper).output;
  expect(JSON.parse(text)).toEqual({
    before: ['running', 'running'],
    started: 'launch_failed created',
    stopped: 'killed',
    left: [],
    after: ['killed', 'killed'],
  });
});
