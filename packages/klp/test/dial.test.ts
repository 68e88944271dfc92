/** Whom a client talks to: nobody whom the operating system or the way to the socket does not vouch for. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runtimeWords } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dialLocal, listenLocal } from '../src/socket.ts';
import { errors } from './errors.ts';
import { temporaryDirectory } from './serving.ts';

const stranger = 61_001;
const programs = join(import.meta.dirname, 'programs');

/** A listener of this user, in `<top>/a/b`. */
async function listenBelow(top: string): Promise<{ path: string; accepted: () => number }> {
  const path = join(top, 'a', 'b', 's');
  let count = 0;
  const listener = await listenLocal({
    path,
    contract: { errors },
    accept: () => ({ ok: true }),
    onConnection: (duplex) => {
      count += 1;
      duplex.resume();
    },
  });
  onTestFinished(() => listener.close());
  return { path, accepted: () => count };
}

/** A program of another user that listens where everybody may look. */
async function listenAs(uid: number): Promise<{ top: string; path: string }> {
  const top = temporaryDirectory();
  const path = join(top, 's');
  chmodSync(top, 0o755);
  chownSync(top, uid, uid);
  const child = spawn(process.execPath, [join(programs, 'listen-forever.mjs'), path], {
    uid,
    gid: uid,
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return { top, path };
}

async function dialOn(runtime: 'node' | 'bun', ...words: string[]): Promise<string> {
  const [program, ...flags] = runtimeWords(runtime);
  const { stdout } = await promisify(execFile)(program, [...flags, join(programs, 'dial.ts'), ...words]);
  return stdout;
}

describe('dialLocal', () => {
  it('refuses a directory in which everybody may put a socket, before it connects', async () => {
    const top = temporaryDirectory();
    const { path, accepted } = await listenBelow(top);
    chmodSync(join(top, 'a'), 0o777);
    await expect(dialLocal({ path })).rejects.toMatchObject({
      code: 'server_untrusted',
      message: `dial: ${path}: the directory ${join(top, 'a')} can be written by everybody; take that right away; nothing was sent`,
    });
    expect(accepted()).toBe(0);
    chmodSync(join(top, 'a'), 0o1777);
    (await dialLocal({ path })).destroy();
  });

  // Only root can make what belongs to others.
  if (process.getuid?.() === 0) {
    it.each([
      ['a directory further up of another user', (path: string) => chownSync(join(path, '../..'), stranger, 0)],
      ['a socket of another user', (path: string) => chownSync(path, stranger, stranger)],
      [
        'a directory that a group of others may write',
        (path: string) => {
          chownSync(join(path, '..'), 0, stranger);
          chmodSync(join(path, '..'), 0o775);
        },
      ],
    ])('refuses %s, before it connects', async (_name, give) => {
      const { path, accepted } = await listenBelow(temporaryDirectory());
      give(path);
      await expect(dialLocal({ path })).rejects.toMatchObject({
        code: 'server_untrusted',
        message: expect.stringContaining(String(stranger)),
      });
      expect(accepted()).toBe(0);
    });

    it('refuses a link that another user could turn elsewhere, on the way and in the place of the socket', async () => {
      const top = temporaryDirectory();
      const { path } = await listenBelow(top);
      symlinkSync(join(top, 'a'), join(top, 'way'));
      symlinkSync(path, join(top, 'place'));
      for (const [link, dialled] of [
        ['way', join(top, 'way', 'b', 's')],
        ['place', join(top, 'place')],
      ] as const) {
        (await dialLocal({ path: dialled })).destroy();
        lchownSync(join(top, link), stranger, stranger);
        await expect(dialLocal({ path: dialled })).rejects.toMatchObject({ code: 'server_untrusted' });
      }
    });

    it('refuses where a link leads to when that is unsafe', async () => {
      const top = temporaryDirectory();
      const { path } = await listenBelow(top);
      mkdirSync(join(top, 'safe'));
      symlinkSync(path, join(top, 'safe', 's'));
      chownSync(join(top, 'a'), stranger, 0);
      await expect(dialLocal({ path: join(top, 'safe', 's') })).rejects.toMatchObject({ code: 'server_untrusted' });
    });

    it.each(['node', 'bun'] as const)(
      'refuses a server of another user whose socket looks like root’s, on %s',
      async (runtime) => {
        const { top, path } = await listenAs(stranger);
        expect(await dialOn(runtime, path)).toContain(`server_untrusted: dial: ${path}: the directory ${top} belongs`);
        expect(await dialOn(runtime, path, String(stranger))).toBe('connected\n');
        chownSync(top, 0, 0);
        chownSync(path, 0, 0);
        expect(await dialOn(runtime, path)).toBe(
          `server_untrusted: dial: ${path}: uid ${stranger} serves it; nothing was sent\n`,
        );
      },
    );
  }
});
