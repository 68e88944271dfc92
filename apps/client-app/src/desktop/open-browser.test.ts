import { describe, expect, it } from 'vitest';
import { type BrowserCommand, browserCommands, openFirst } from './open-browser.ts';

const { signal } = new AbortController();
const url = 'file:///run/user/1000/kanade-client-x/open.html';

describe('browserCommands()', () => {
  it.each([
    ['linux', {}, undefined, undefined],
    ['linux', { DISPLAY: ':0' }, ['chromium', `--app=${url}`], ['xdg-open', url]],
    ['linux', { WAYLAND_DISPLAY: 'wayland-0' }, ['chromium', `--app=${url}`], ['xdg-open', url]],
    ['darwin', {}, ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', `--app=${url}`], ['open', url]],
    [
      'win32',
      {},
      ['rundll32.exe', 'url.dll,FileProtocolHandler', url],
      ['rundll32.exe', 'url.dll,FileProtocolHandler', url],
    ],
  ] as const)('on %s with %j', (platform, env, first, last) => {
    const commands = browserCommands(url, { platform, env });
    expect([commands[0]?.words, commands.at(-1)?.words]).toEqual([first, last]);
  });

  it('looks for Edge below both program folders of Windows', () => {
    const env = { ProgramFiles: 'C:\\Program Files', 'ProgramFiles(x86)': 'C:\\Program Files (x86)' };
    expect(browserCommands(url, { platform: 'win32', env }).map(({ words }) => words[0])).toEqual([
      'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
      'C:\\Program Files\\Microsoft\\Edge\\Application\\msedge.exe',
      'rundll32.exe',
    ]);
  });
});

describe('openFirst()', () => {
  it('starts nothing where there is nothing to try', async () => {
    expect(await openFirst([], { env: {}, signal })).toBeUndefined();
  });

  it('goes on to the next command when one does not exist, and when one fails at once', async () => {
    const failing: BrowserCommand = { words: [process.execPath, '--eval', 'process.exit(3)'], shows: 'app window' };
    const good: BrowserCommand = { words: [process.execPath, '--version'], shows: 'browser' };
    const commands: BrowserCommand[] = [{ words: ['/no/such/browser'], shows: 'app window' }, failing, good];
    expect(await openFirst(commands, { env: {}, signal })).toBe(good);
    expect(await openFirst([failing], { env: {}, signal })).toBeUndefined();
  });
});
