/** A file that nobody but its owner can read or put another in the place of. */
import { closeSync, fchmodSync, fsyncSync, lstatSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { lookGuarded } from '../connection/guarded-file.ts';
import { FleetError } from '../fault/fleet-error.ts';

/** Most bytes of a private key; a file that is larger is none. */
const keyBytesMax = 16 * 1024;

/** Makes the directory (0700) where it is not there. Throws FleetError `key_unsafe` for one that others could change. */
export function openPrivateDir(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  checkPrivateDir(dir);
}

/** Throws FleetError `key_unsafe` for a directory of another user, and for one that others can write to. */
export function checkPrivateDir(dir: string): void {
  const uid = process.geteuid?.();
  if (uid === undefined) return; // Windows has neither owner nor mode here
  const stats = lstatSync(dir);
  if (stats.isSymbolicLink()) throw unsafe(dir, 'is a link');
  if (stats.uid !== uid) throw unsafe(dir, `belongs to user ${stats.uid}, not to ${uid}`);
  if ((stats.mode & 0o022) !== 0) throw unsafe(dir, `can be written by others (mode ${octal(stats.mode)}): chmod 700`);
}

/** Writes a new file (0600 under any umask); false when something has that name. */
export function writePrivateFile(path: string, text: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    fchmodSync(file, 0o600);
    writeSync(file, text);
    fsyncSync(file);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  } finally {
    closeSync(file);
  }
  return true;
}

/**
 * Reads a private file. Throws FleetError `key_not_found`, and `key_unsafe` for a link, something else than a file, another owner
 * and a mode that lets anybody else read or write it: a key that others may have is none.
 */
export function readPrivateFile(path: string): string {
  const found = lookGuarded(path, { guard: 'secret', bytesMax: keyBytesMax, refusesLinks: true });
  if (found.ok) return new TextDecoder().decode(found.bytes);
  const { fault, why, cause } = found;
  if (fault === 'missing') throw new FleetError('key_not_found', `there is no key at ${path}`, { cause });
  if (fault === 'too_large') throw new FleetError('key_invalid', `${path} is no private key: ${why}`);
  const advice = fault === 'exposed' ? ' if nobody has read it, else make a new key' : '';
  throw new FleetError('key_unsafe', `${path} is not used: ${why}${advice}`, { cause });
}

const octal = (mode: number): string => (mode & 0o7777).toString(8);

const unsafe = (path: string, why: string): FleetError =>
  new FleetError('key_unsafe', `${path} is not used: it ${why}`);
