/**
 * People at a machine: accounts, login sessions and session buses that only programs of the test see. The buses are real ones. Needs root,
 * mounts of its own, and dbus-daemon.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from './eventually.ts';
import { tempDir } from './temp-dir.ts';

/** What a notification server was told. */
export type DesktopEvent =
  | { readonly kind: 'ready' }
  | { readonly kind: 'closed'; readonly id: number }
  | {
      readonly kind: 'shown';
      readonly id: number;
      readonly app: string;
      readonly title: string;
      readonly body: string;
      /** 0 low, 1 normal, 2 critical. */
      readonly urgency: number;
      /** In ms; 0 = never, -1 = as the server likes. */
      readonly expires: number;
    };

export interface People extends AsyncDisposable {
  /** Words before those of a program, which sees these people then. */
  readonly within: readonly string[];
  /** The same, and it is one of them. */
  as(name: string): readonly string[];
  uidOf(name: string): number;
  /** A session that begins now, or did so at `sinceMs`; `isActive`: it has the screen. */
  logIn(name: string, session?: SessionOptions): void;
  logOut(name: string): void;
  /** Starts the session bus of a person; `starts`: it can start a notification server when it is asked to. */
  startBus(name: string, bus?: { readonly starts?: boolean }): Promise<void>;
  /** Starts a notification server on it, odd as the words say. */
  startServer(name: string, ...oddities: readonly ('slow' | 'plain')[]): Promise<void>;
  /** Ends the bus of a person, and what is on it. */
  endBus(name: string): Promise<void>;
  /** What notification servers of a person were told, the oldest first. */
  desktop(name: string): readonly DesktopEvent[];
}

interface SessionOptions {
  readonly isActive?: boolean;
  readonly sinceMs?: number;
}

const ownMounts = ['unshare', '--mount', '--propagation', 'private'];

/** Whether people can be played here: only root may. */
export const canPlayPeople = (): boolean =>
  process.getuid?.() === 0 &&
  spawnSync('unshare', [...ownMounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

/** In its own mounts a program sees these files in the place of the machine's. */
const enter = [
  'mkdir -p /run/user /run/systemd/sessions',
  'mount --bind "$0/passwd" /etc/passwd',
  'mount --bind "$0/sessions" /run/systemd/sessions',
  'mount --bind "$0/user" /run/user',
  'exec "$@"',
].join('; ');

const server = fileURLToPath(new URL('./notification-server.ts', import.meta.url));

/** Nobody is logged in at first. */
export async function openPeople(names: readonly string[]): Promise<People> {
  const dir = await tempDir();
  const places = placesOf(dir.path, names);
  const { uidOf, within, as } = places;
  const programs = createPrograms(as);
  const desktop = (name: string): DesktopEvent[] => eventsIn(`${places.runtimeDir(name)}/told`);
  const endBus = async (name: string): Promise<void> => {
    await programs.end(name);
    rmSync(`${places.runtimeDir(name)}/bus`, { force: true });
  };
  const serverWords = (name: string): string[] => [process.execPath, server, `${places.seenDir(name)}/told`];
  return {
    ...{ within, as, uidOf, desktop, endBus },
    logIn: (name, session) => writeFileSync(places.session(name), sessionText(uidOf(name), session)),
    logOut: (name) => rmSync(places.session(name)),
    async startBus(name, { starts = false } = {}) {
      if (starts) writeService(places.runtimeDir(name), serverWords(name));
      writeFileSync(`${places.runtimeDir(name)}/bus.conf`, busConfig(places.seenDir(name)));
      const child = programs.start(name, ['dbus-daemon', `--config-file=${places.seenDir(name)}/bus.conf`, '--nofork']);
      await eventually(`the bus of ${name}`, () => {
        if (child.exitCode !== null) throw new Error(`dbus-daemon ended with ${child.exitCode}: is it installed?`);
        return existsSync(`${places.runtimeDir(name)}/bus`);
      });
    },
    async startServer(name, ...oddities) {
      const before = desktop(name).length;
      programs.start(name, [...serverWords(name), ...oddities]);
      const isReady = ({ kind }: DesktopEvent): boolean => kind === 'ready';
      await eventually(`the notification server of ${name}`, () => desktop(name).slice(before).some(isReady));
    },
    async [Symbol.asyncDispose]() {
      for (const name of names) await endBus(name);
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** Where what belongs to whom is, in the directory of the test and as people see it. */
function placesOf(dir: string, names: readonly string[]) {
  const uidOf = (name: string): number => 61_200 + names.indexOf(name);
  const runtimeDir = (name: string): string => `${dir}/user/${uidOf(name)}`;
  const seenDir = (name: string): string => `/run/user/${uidOf(name)}`;
  const rows = names.map((name) => `${name}:x:${uidOf(name)}:${uidOf(name)}::/:/bin/sh\n`);
  writeFileSync(`${dir}/passwd`, `${readFileSync('/etc/passwd', 'utf8')}${rows.join('')}`);
  for (const made of ['sessions', 'user']) mkdirSync(`${dir}/${made}`);
  for (const name of names) {
    mkdirSync(runtimeDir(name));
    chownSync(runtimeDir(name), uidOf(name), uidOf(name));
  }
  const within = [...ownMounts, 'sh', '-ec', enter, dir];
  const as = (name: string): string[] => {
    const [id, bus] = [uidOf(name), `DBUS_SESSION_BUS_ADDRESS=unix:path=${seenDir(name)}/bus`];
    // What a person started does not outlive a test that is killed.
    const become = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups', '--inh-caps=-all', '--pdeathsig=KILL', '--'];
    return [...within, 'setpriv', ...become, 'env', '-i', 'PATH=/usr/bin:/bin', bus];
  };
  return {
    uidOf,
    runtimeDir,
    seenDir,
    session: (name: string): string => `${dir}/sessions/c${uidOf(name)}`,
    within,
    as,
  };
}

/** Programs of people, and their end. */
function createPrograms(as: (name: string) => readonly string[]) {
  const started = new Map<string, ChildProcess[]>();
  return {
    start(name: string, words: readonly string[]): ChildProcess {
      const [file = '', ...args] = [...as(name), ...words];
      const child = spawn(file, args, { stdio: 'ignore', cwd: '/' });
      started.set(name, [...(started.get(name) ?? []), child]);
      return child;
    },
    async end(name: string): Promise<void> {
      for (const child of (started.get(name) ?? []).toReversed()) await endOf(child);
      started.delete(name);
    },
  };
}

/** As logind writes it. */
function sessionText(uid: number, { isActive = true, sinceMs = Date.now() }: SessionOptions = {}): string {
  const who = { UID: uid, ACTIVE: isActive ? 1 : 0, REMOTE: 0, TYPE: 'wayland', CLASS: 'user' };
  return Object.entries({ ...who, SEAT: 'seat0', REALTIME: sinceMs * 1000 })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function eventsIn(path: string): DesktopEvent[] {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  return lines.map((line) => JSON.parse(line) as DesktopEvent);
}

const busConfig = (dir: string): string =>
  [
    '<busconfig><type>session</type>',
    `<listen>unix:path=${dir}/bus</listen><servicedir>${dir}/services</servicedir>`,
    '<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>',
    '</busconfig>',
  ].join('\n');

function writeService(dir: string, words: readonly string[]): void {
  mkdirSync(`${dir}/services`);
  const text = `[D-BUS Service]\nName=org.freedesktop.Notifications\nExec=${words.join(' ')}\n`;
  writeFileSync(`${dir}/services/server.service`, text);
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
