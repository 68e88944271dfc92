/* Whether the desktop of this person starts the Client App at login: `kanade client autostart`. */
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { ClientAppError } from '../client-app-error.ts';
import type { Io } from '../io.ts';
import type { ClientAppOptions } from '../options.ts';
import { desktopEntry, hiddenEntry, isOwnEntry, isSwitchedOn } from './desktop-entry.ts';
import { ownWords } from './own-words.ts';

type AutostartOptions = Extract<ClientAppOptions, { kind: 'autostart' }>;

/** The name tells the entry: of two with the same one the person's counts. */
const fileName = 'kanade-client.desktop';

/** A file of some hundred bytes; one that is larger is none of ours. */
const fileBytesMax = 64 * 1024;

/** Switches it on or off, or looks; resolves to the answer, one line. Throws {@link ClientAppError}. */
export function autostart({ action, words, args }: AutostartOptions, io: Io): string {
  const path = entryPath(io);
  const before = readEntry(path);
  const forAll = entryForAll(io);
  if (action === 'status') {
    const state = before.text === undefined && before.state === 'off' ? forAll : before.state;
    return answer(io, { state, path, isChanged: false });
  }
  if (before.state === 'foreign') {
    const message = `change the autostart: ${path} is not a file that kanade wrote; move it away first`;
    throw new ClientAppError('autostart_foreign', message);
  }
  const wanted = action === 'on' ? entryOf([...ownWords(args, ownProcess()), '--open', ...words]) : nothing(forAll);
  const isChanged = wanted !== before.text;
  if (isChanged) write(path, wanted);
  return answer(io, { state: action, path, isChanged });
}

/** What says that it is not started: no file, or one that hides the file for everybody who logs in here. */
const nothing = (forAll: Entry['state']): string | undefined => (forAll === 'on' ? hiddenEntry : undefined);

/** Whether the desktop starts it for everybody, as an installed package makes it: a file of this person's goes before that. */
function entryForAll({ env }: Io): 'on' | 'off' {
  const places = (env.XDG_CONFIG_DIRS || '/etc/xdg').split(':').filter((place) => place.startsWith('/'));
  const entries = places.map((place) => readEntry(join(place, 'autostart', fileName)));
  return entries.find(({ text }) => text !== undefined)?.state === 'on' ? 'on' : 'off';
}

const ownProcess = () => ({
  execPath: process.execPath,
  argv: process.argv,
  isCompiled: process.versions.bun !== undefined,
});

function entryOf(words: readonly string[]): string {
  try {
    return desktopEntry(words);
  } catch (cause) {
    throw new ClientAppError('autostart_failed', (cause as Error).message, { cause });
  }
}

function entryPath({ env }: Io): string {
  if (process.platform !== 'linux') {
    const message = `change the autostart: not built for ${process.platform}; add the command to what your system starts at login by hand`;
    throw new ClientAppError('autostart_unsupported', message);
  }
  return join(env.XDG_CONFIG_HOME || join(env.HOME || homedir(), '.config'), 'autostart', fileName);
}

interface Entry {
  readonly state: 'on' | 'off' | 'foreign';
  /** What the file holds; undefined when there is none. */
  readonly text: string | undefined;
}

function readEntry(path: string): Entry {
  try {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (!found) return { state: 'off', text: undefined };
    if (!found.isFile() || found.size > fileBytesMax) return { state: 'foreign', text: undefined };
    const text = readFileSync(path, 'utf8');
    if (!isOwnEntry(text)) return { state: 'foreign', text };
    return { state: isSwitchedOn(text) ? 'on' : 'off', text };
  } catch (cause) {
    throw failed('read', path, cause);
  }
}

/** Whole or not at all; nothing where there shall be none. */
function write(path: string, text: string | undefined): void {
  try {
    if (text === undefined) {
      rmSync(path, { force: true });
      return;
    }
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const part = `${path}.${process.pid}`;
    writeFileSync(part, text, { mode: 0o644, flag: 'w' });
    renameSync(part, path);
  } catch (cause) {
    throw failed('write', path, cause);
  }
}

const failed = (what: string, path: string, cause: unknown): ClientAppError =>
  new ClientAppError('autostart_failed', `${what} ${path}: ${(cause as Error).message}`, { cause });

/** A sentence for a person, JSON for everybody else. */
function answer(
  io: Io,
  { state, path, isChanged }: { state: Entry['state']; path: string; isChanged: boolean },
): string {
  if (io.isTerminal?.(1) !== true) return `${JSON.stringify({ autostart: state, file: path, changed: isChanged })}\n`;
  const words = {
    on: `The Client App is opened at each login (${path}).`,
    off: 'The Client App is not started at login.',
    foreign: `${path} is not a file that kanade wrote: it is left alone.`,
  };
  return `${words[state]}\n`;
}
