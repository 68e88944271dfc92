/** The person at the machine: who has the active login session, and how to run something as that person (Linux, logind). */
import { readdirSync, readFileSync } from 'node:fs';
import { accountRow } from './account.ts';

/** Owner of a login session, with what a program of that person expects in its environment. */
export interface SessionUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  readonly session: { readonly id: string; readonly type?: string; readonly display?: string };
}

/** Where logind keeps its sessions. */
const sessionsDir = '/run/systemd/sessions';

/** PATH of a program that a person starts. */
const userPath = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

type Fields = Readonly<Record<string, string>>;

/**
 * Who sits at the machine: the active local session of a person, a graphical one first. Undefined when nobody is logged in
 * (the login screen has a session of another class), and on systems without logind.
 */
export function activeSessionUser(): SessionUser | undefined {
  const present = readSessions().filter(
    ({ fields }) => fields.CLASS === 'user' && fields.ACTIVE === '1' && fields.REMOTE !== '1',
  );
  const isGraphical = ({ fields }: { fields: Fields }): boolean => fields.TYPE === 'x11' || fields.TYPE === 'wayland';
  const chosen = present.find(isGraphical) ?? present[0];
  const account = chosen && readAccount(Number(chosen.fields.UID));
  if (!chosen || !account) return undefined;
  const { TYPE: type, DISPLAY: display } = chosen.fields;
  return { ...account, session: { id: chosen.id, ...(type ? { type } : {}), ...(display ? { display } : {}) } };
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

function readSessions(): { id: string; fields: Fields }[] {
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
