import { spawn } from 'node:child_process';

type Env = Readonly<Record<string, string | undefined>>;

/** A program and its arguments. */
export type BrowserCommand = readonly [program: string, ...args: string[]];

/**
 * What to try, in this order, to show `url`: an app window of an installed Chromium, Edge or Chrome, then the
 * system's own opener. Empty where there is no display.
 */
export function browserCommands(
  url: string,
  { platform, env }: { platform: NodeJS.Platform; env: Env },
): BrowserCommand[] {
  const app = `--app=${url}`;
  if (platform === 'win32') {
    const roots = [env['ProgramFiles(x86)'], env.ProgramFiles].filter((root) => root !== undefined);
    const edges = roots.map((root): BrowserCommand => [`${root}\\Microsoft\\Edge\\Application\\msedge.exe`, app]);
    return [...edges, ['rundll32.exe', 'url.dll,FileProtocolHandler', url]];
  }
  if (platform === 'darwin') {
    const names = ['Google Chrome', 'Microsoft Edge', 'Chromium'];
    const windows = names.map((name): BrowserCommand => [`/Applications/${name}.app/Contents/MacOS/${name}`, app]);
    return [...windows, ['open', url]];
  }
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return [];
  const names = ['chromium', 'chromium-browser', 'microsoft-edge', 'google-chrome'];
  return [...names.map((name): BrowserCommand => [name, app]), ['xdg-open', url]];
}

/** Starts the first command that exists, detached, and resolves to its program; undefined when none does. */
export async function openFirst(commands: readonly BrowserCommand[], env: Env): Promise<string | undefined> {
  for (const [program, ...args] of commands) {
    const child = spawn(program, args, { detached: true, stdio: 'ignore', env: { ...env } });
    const isStarted = await new Promise<boolean>((resolve) => {
      child.once('spawn', () => resolve(true));
      child.once('error', () => resolve(false));
    });
    if (isStarted) {
      child.unref();
      return program;
    }
  }
  return undefined;
}
