/** A file that nobody but its owner can read or put another in the place of. */
import { mkdirSync } from 'node:fs';
import { exposureOfDirectory, lookGuarded } from '@kanade/durable/files';
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
  const exposure = exposureOfDirectory(dir);
  if (exposure !== undefined) throw new FleetError('key_unsafe', `${dir} is not used: ${exposure}`);
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
