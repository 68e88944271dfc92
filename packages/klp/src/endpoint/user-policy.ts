import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

export type AcceptVerdict = { ok: true } | { ok: false; reason: string };

export interface UserPolicyOptions {
  /** Accepted whatever the rules say; the only way for uid 0. Default none. */
  allowUids?: readonly number[];
  /** Default 1000; 500 on macOS. */
  minUid?: number;
  /** Rows of the account list, that of a user among them. Default: /etc/passwd, read for each peer. */
  readPasswd?: (uid: number) => string;
  /** Text of the list of login shells. Default: /etc/shells, read for each peer. */
  readShells?: () => string;
}

/**
 * Accepts people: an account of at least `minUid` with a login shell. Refuses uid 0, system accounts, unknown accounts, accounts whose shell is empty,
 * not absolute, unlisted, `nologin` or `false`; and everybody when a list cannot be read.
 */
export function userPolicy(options: UserPolicyOptions = {}): (peer: { uid: number }) => AcceptVerdict {
  const minUid = options.minUid ?? (process.platform === 'darwin' ? 500 : 1000);
  const readPasswd = options.readPasswd ?? (() => readFileSync('/etc/passwd', 'utf8'));
  const readShells = options.readShells ?? (() => readFileSync('/etc/shells', 'utf8'));
  return ({ uid }) => {
    if (options.allowUids?.includes(uid)) return { ok: true };
    if (uid === 0) return refuse('uid 0 is not served');
    if (uid < minUid) return refuse(`uid ${uid} is a system account: the lowest served is ${minUid}`);
    let passwd: string;
    let shells: string;
    try {
      passwd = readPasswd(uid);
      shells = readShells();
    } catch {
      return refuse('the account could not be looked up');
    }
    const account = findAccount(passwd, uid);
    if (!account) return refuse(`uid ${uid} has no account`);
    return isLoginShell(account.shell, shells) ? { ok: true } : refuse(`uid ${uid} has no login shell`);
  };
}

function refuse(reason: string): AcceptVerdict {
  return { ok: false, reason };
}

function isLoginShell(shell: string, shells: string): boolean {
  if (!shell.startsWith('/') || ['nologin', 'false'].includes(basename(shell))) return false;
  return shells.split('\n').some((line) => line.trim() === shell);
}

/** The name of an account in the text of /etc/passwd. */
export function userName(passwd: string, uid: number): string | undefined {
  return findAccount(passwd, uid)?.name;
}

function findAccount(passwd: string, uid: number): { name: string; shell: string } | undefined {
  for (const line of passwd.split('\n')) {
    const [name, , field, , , , shell] = line.split(':');
    if (name && field === String(uid)) return { name, shell: shell ?? '' };
  }
  return undefined;
}
