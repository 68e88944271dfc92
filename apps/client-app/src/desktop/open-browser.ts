import { spawn } from 'node:child_process';

type Env = Readonly<Record<string, string | undefined>>;

/** A program, its arguments, and what people see of it. */
export interface BrowserCommand {
  readonly words: readonly [program: string, ...args: string[]];
  readonly shows: 'app window' | 'browser';
}

/**
 * What to try, in this order, to show `url`: an app window of an installed Chromium, Edge or Chrome, then the
 * system's own opener. Empty where there is no display.
 */
export function browserCommands(
  url: string,
  { platform, env }: { platform: NodeJS.Platform; env: Env },
): BrowserCommand[] {
  const appWindow = (program: string): BrowserCommand => ({ words: [program, `--app=${url}`], shows: 'app window' });
  const browser = (...words: BrowserCommand['words']): BrowserCommand => ({ words, shows: 'browser' });
  if (platform === 'win32') {
    const roots = [env['ProgramFiles(x86)'], env.ProgramFiles].filter((root) => root !== undefined);
    const edges = roots.map((root) => appWindow(`${root}\\Microsoft\\Edge\\Application\\msedge.exe`));
    return [...edges, browser('rundll32.exe', 'url.dll,FileProtocolHandler', url)];
  }
  if (platform === 'darwin') {
    const names = ['Google Chrome', 'Microsoft Edge', 'Chromium'];
    return [
      ...names.map((name) => appWindow(`/Applications/${name}.app/Contents/MacOS/${name}`)),
      browser('open', url),
    ];
  }
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return [];
  return [...linuxBrowsers.map(appWindow), browser('xdg-open', url)];
}

const linuxBrowsers = [
  'chromium',
  'chromium-browser',
  'microsoft-edge',
  'microsoft-edge-stable',
  'google-chrome',
  'google-chrome-stable',
];

/** A browser that cannot start has said so by now, in ms. */
const settleMs = 1_500;

/** Starts the first command that exists and does not fail at once, detached, and resolves to it; undefined when none does. */
export async function openFirst(
  commands: readonly BrowserCommand[],
  { env, signal }: { readonly env: Env; readonly signal: AbortSignal },
): Promise<BrowserCommand | undefined> {
  for (const command of commands) {
    if (signal.aborted) return undefined;
    if (await starts(command, { env, signal })) return command;
  }
  return undefined;
}

async function starts({ words }: BrowserCommand, { env, signal }: { env: Env; signal: AbortSignal }): Promise<boolean> {
  const [program, ...args] = words;
  const child = spawn(program, args, { detached: true, stdio: 'ignore', env: { ...env } });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  child.once('error', () => resolve(false));
  // One that hands the page to a window of its own that runs already ends at once, and well.
  child.once('exit', (code) => resolve(code === 0));
  const isUp = (): void => resolve(true);
  const timer = setTimeout(isUp, settleMs);
  signal.addEventListener('abort', isUp, { once: true });
  const isStarted = await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', isUp);
  child.unref();
  return isStarted;
}
