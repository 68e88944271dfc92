/** Accounts: those of this machine, and those of a directory elsewhere that the system's name service knows (NSS). */
import { readFileSync } from 'node:fs';
import { askSystem } from './spawn.ts';

/** How long the name service may take, in ms, and how long its answer counts. */
const [askMs, keptMs] = [1_000, 60_000];

/** What the name service said last, by user: the people of one machine are few. */
const asked = new Map<number, { readonly row: string; readonly atMs: number }>();
const askedMax = 1_000;

/**
 * The row of a user in the form of /etc/passwd; empty for a user whom nobody knows. The file is read each time, the name service
 * asked for those who are not in it, once a minute.
 */
export function accountRow(uid: number): string {
  const own = readPasswd()
    .split('\n')
    .find((row) => row.split(':')[2] === String(uid));
  return own ?? askDirectory(uid);
}

function askDirectory(uid: number): string {
  const nowMs = performance.now();
  const known = asked.get(uid);
  if (known && nowMs - known.atMs < keptMs) return known.row;
  if (asked.size >= askedMax) asked.clear();
  const said = askSystem('getent', ['passwd', String(uid)], askMs)?.split('\n', 1)[0] ?? '';
  // A name service that answers something else is not believed.
  const row = said.split(':')[2] === String(uid) ? said : '';
  asked.set(uid, { row, atMs: nowMs });
  return row;
}

function readPasswd(): string {
  try {
    return readFileSync('/etc/passwd', 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
