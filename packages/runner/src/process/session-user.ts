/** The person at the machine: who has the active login session, and how to run something as that person (Linux, logind). */
import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { accountRow } from './account.ts';
import { askProgram, findProgram, type ProgramAnswer } from './spawn.ts';

/** Owner of a login session, with what a program of that person expects in its environment. */
export interface SessionUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  readonly session: {
    readonly id: string;
    readonly type?: string;
    readonly display?: string;
    /** When it began, ms since 1970. */
    readonly sinceMs?: number;
  };
}

/** Where logind keeps its sessions. */
const sessionsDir = '/run/systemd/sessions';

/** Where programs of the system are: nobody else puts any there. */
const systemPath = '/usr/bin:/bin:/usr/sbin:/sbin';

/** PATH of a program that a person starts. */
const userPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

type Fields = Readonly<Record<string, string>>;

/**
 * Who sits at the machine: the active local session of a person, a graphical one first. Undefined when nobody is logged in
 * (the login screen has a session of another class), and on systems without logind.
 */
export function activeSessionUser(): SessionUser | undefined {
  const [chosen] = activeSessions();
  return chosen && userOf(chosen);
}

/** Everybody with an active local session, each once: a machine can have several screens. */
export function presentUsers(): SessionUser[] {
  const users = activeSessions()
    .map(userOf)
    .filter((user) => user !== undefined);
  return users.filter(({ uid }, at) => users.findIndex((user) => user.uid === uid) === at);
}

/**
 * Calls back when somebody may have come, gone, or changed places, until it is closed. Undefined where nothing tells.
 */
export function watchSessions(onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(sessionsDir, { persistent: false }, () => onChange());
    watcher.once('error', () => watcher.close()); // what it watched is gone
    return watcher;
  } catch {
    return undefined; // no logind here
  }
}

interface Session {
  readonly id: string;
  readonly fields: Fields;
}

/** The active local sessions of people, graphical ones first. */
function activeSessions(): Session[] {
  const present = readSessions().filter(
    ({ fields }) => fields.CLASS === 'user' && fields.ACTIVE === '1' && fields.REMOTE !== '1',
  );
  const isGraphical = ({ fields }: Session): boolean => fields.TYPE === 'x11' || fields.TYPE === 'wayland';
  return [...present.filter(isGraphical), ...present.filter((session) => !isGraphical(session))];
}

function userOf({ id, fields }: Session): SessionUser | undefined {
  const account = readAccount(Number(fields.UID));
  if (!account) return undefined;
  const { TYPE: type, DISPLAY: display, REALTIME: since = '' } = fields;
  const sinceMs = Math.floor(Number(since) / 1000);
  const session = {
    id,
    ...(type ? { type } : {}),
    ...(display ? { display } : {}),
    ...(sinceMs > 0 ? { sinceMs } : {}),
  };
  return { ...account, session };
}

/** The environment of a program of that person; nothing of ours is in it. */
export function environmentOfUser({ name, uid, home, shell, session }: SessionUser): Record<string, string> {
  return {
    HOME: home,
    USER: name,
    LOGNAME: name,
    SHELL: shell,
    PATH: userPath,
    LANG: 'C.UTF-8',
    XDG_RUNTIME_DIR: `/run/user/${uid}`,
    DBUS_SESSION_BUS_ADDRESS: `unix:path=/run/user/${uid}/bus`,
    XDG_SESSION_ID: session.id,
    ...(session.type ? { XDG_SESSION_TYPE: session.type } : {}),
    ...(session.display ? { DISPLAY: session.display } : {}),
  };
}

/** Words that become that person, with all of the person's groups, and then the given words. Needs root and util-linux. */
export const wordsAsUser = ({ uid, gid }: SessionUser, argv: readonly string[]): string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--init-groups',
  '--inh-caps=-all',
  '--',
  ...argv,
];

/**
 * Runs a program of the system as that person and resolves with what came of it; a person other than our own user needs root. Undefined
 * when there is no such program. Never rejects.
 */
export async function askAsUser(
  user: SessionUser,
  [word = '', ...args]: readonly string[],
  limit: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ProgramAnswer | undefined> {
  const env = environmentOfUser(user);
  const program = findProgram(word, systemPath);
  if (program === undefined) return undefined;
  const own = process.geteuid?.() === user.uid;
  const [first = '', ...rest] = own ? [program, ...args] : wordsAsUser(user, [program, ...args]);
  const file = findProgram(first, systemPath);
  return file === undefined ? undefined : askProgram([file, ...rest], { env, ...limit });
}

function readSessions(): Session[] {
  return namesIn(sessionsDir)
    .filter((name) => !name.includes('.'))
    .sort()
    .map((id) => ({ id, fields: parseFields(readText(`${sessionsDir}/${id}`)) }));
}

function parseFields(text: string): Fields {
  const lines = text.split('\n').map((line) => /^([A-Z_]+)=(.*)$/.exec(line));
  return Object.fromEntries(lines.filter((match) => match !== null).map((match) => [match[1], match[2]]));
}

function readAccount(uid: number): Omit<SessionUser, 'session'> | undefined {
  const fields = accountRow(uid).split(':');
  if (fields.length !== 7) return undefined;
  const [name = '', , , gid, , home = '/', shell = '/bin/sh'] = fields;
  return { name, uid, gid: Number(gid), home, shell };
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return ''; // the session ended a moment ago
    throw error;
  }
}
