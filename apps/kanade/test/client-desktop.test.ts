/* The Client App as a part of the desktop: started at login, and once for each person; what docs/guide/client-app.md tells people to call. */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { eventually, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { answer, call, start } from './program.ts';

/** The entry for everybody, as packages bring it. */
const packaged = new URL('../release/files/kanade-client.desktop', import.meta.url);

describe('client autostart', () => {
  async function home() {
    const dir = await tempDir();
    const env = { HOME: dir.path, XDG_CONFIG_HOME: '', XDG_CONFIG_DIRS: `${dir.path}/xdg` };
    const file = `${dir.path}/.config/autostart/kanade-client.desktop`;
    const ask = (...words: string[]) => answer(['client', 'autostart', ...words], { env });
    return { dir, env, file, ask };
  }

  it('is switched on and off, says which, and does nothing twice', async () => {
    const { dir, file, ask } = await home();
    await using _ = dir;
    const told = (autostart: string, changed: boolean) => ({ autostart, changed, file, status: 0 });
    expect(await ask('status')).toEqual(told('off', false));
    expect(await ask('on', '--socket', '/run/other.sock')).toEqual(told('on', true));
    const exec = /^Exec=(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    const words = exec.split(' ').map((word) => JSON.parse(word) as string);
    expect(words.slice(-4)).toEqual(['client', '--open', '--socket', '/run/other.sock']);
    // What stands there is what starts us.
    const { status, stdout } = await call(['--help'], { words: words.slice(0, -3) });
    expect([status, stdout]).toEqual([0, expect.stringContaining('kanade-client')]);
    expect(await ask('on', '--socket', '/run/other.sock')).toEqual(told('on', false));
    expect(await ask('on')).toEqual(told('on', true));
    expect(await ask('status')).toEqual(told('on', false));
    writeFileSync(file, `${readFileSync(file, 'utf8')}X-GNOME-Autostart-enabled=false\n`);
    expect(await ask('status')).toEqual(told('off', false));
    expect(await ask('off')).toEqual(told('off', true));
    expect(await ask('off')).toEqual(told('off', false));
  });

  it('is switched off where a package switched it on for everybody, by that person for that person', async () => {
    const { dir, file, ask } = await home();
    await using _ = dir;
    mkdirSync(`${dir.path}/xdg/autostart`, { recursive: true });
    cpSync(packaged, `${dir.path}/xdg/autostart/kanade-client.desktop`);
    expect(await ask('status')).toMatchObject({ autostart: 'on', changed: false });
    expect(await ask('off')).toMatchObject({ autostart: 'off', changed: true });
    expect(readFileSync(file, 'utf8')).toContain('\nHidden=true\n');
    expect(await ask('off')).toMatchObject({ autostart: 'off', changed: false });
    expect(await ask('status')).toMatchObject({ autostart: 'off' });
    expect(await ask('on')).toMatchObject({ autostart: 'on', changed: true });
    expect(await ask('status')).toMatchObject({ autostart: 'on' });
  });

  it.each([
    ['a file of somebody else', (file: string) => writeFileSync(file, '[Desktop Entry]\nExec=other\n')],
    ['a link', (file: string) => symlinkSync('/etc/hostname', file)],
    ['a directory', (file: string) => mkdirSync(file)],
  ])('leaves %s alone', async (_name, put) => {
    const { dir, env, file, ask } = await home();
    await using _ = dir;
    mkdirSync(`${dir.path}/.config/autostart`, { recursive: true });
    put(file);
    expect(await ask('status')).toMatchObject({ autostart: 'foreign', changed: false });
    for (const action of ['on', 'off']) {
      const { status, stdout, stderr } = await call(['client', 'autostart', action], { env });
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toContain('is not a file that kanade wrote; move it away first');
    }
    expect(await ask('status')).toMatchObject({ autostart: 'foreign' });
  });
});

it('a second start ends with another address of the first', async () => {
  await using dir = await tempDir();
  const env = { XDG_RUNTIME_DIR: dir.path, DISPLAY: '', WAYLAND_DISPLAY: '' };
  const begin = (words: readonly string[] = []) => {
    const client = start(['client', '--socket', '/nowhere', ...words], { env });
    return {
      ...client,
      origin: () => eventually('an address', () => /http:\/\/[\d.:]+/.exec(client.text.stdout)?.[0]),
      async [Symbol.asyncDispose]() {
        client.child.kill('SIGTERM');
        await client.ended;
      },
    };
  };
  await using first = begin();
  const origin = await first.origin();
  await using second = begin(['--open']);
  const { status, stderr } = await second.ended;
  expect([status, await second.origin()]).toEqual([0, origin]);
  expect(stderr).toContain('found no display or no browser');
});

const guide = readFileSync(new URL('../../../docs/guide/client-app.md', import.meta.url), 'utf8');
const calls = [...guide.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'));

it.each(calls)('the guide: %s', async (line) => {
  await using dir = await tempDir();
  const env = { HOME: dir.path, XDG_CONFIG_HOME: '', XDG_RUNTIME_DIR: dir.path, DISPLAY: '', WAYLAND_DISPLAY: '' };
  const { child, text, ended } = start(line.split(' ').slice(1), { env });
  await eventually('it answers', () => text.stdout.endsWith('\n'));
  if (!line.includes('autostart')) child.kill('SIGTERM');
  expect(await ended).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^(kanade-client: http:|\{"autostart")/),
  });
});
