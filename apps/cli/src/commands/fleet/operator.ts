/** Who is at work, and where. */
import { readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';

/**
 * The account by the number that the system knows, never by what the environment says: on Bun `userInfo` repeats the variable
 * `USER`. An account that has no line in the file of accounts is its number there.
 */
export const operator = (): { user: string; host: string } => ({ user: accountName(), host: hostname() });

function accountName(): string {
  const uid = process.geteuid?.();
  try {
    if (uid === undefined || process.versions.bun === undefined) return userInfo().username;
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
    const [name] = lines.find((line) => line.split(':')[2] === String(uid))?.split(':') ?? [];
    return name || `uid-${uid}`;
  } catch {
    return uid === undefined ? 'unknown' : `uid-${uid}`; // nobody knows a name for it
  }
}
