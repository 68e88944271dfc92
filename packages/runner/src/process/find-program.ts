import { accessSync, constants } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** Where `sh` would be looked for when the environment names no PATH. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * True when a word names a program that could be executed: as a path, or found in PATH. The shell of the default
 * wrapper is everywhere and not looked for.
 */
export function findProgram(word: string, path: string | undefined, cwd: string): boolean {
  if (word === 'sh') return true;
  const places = word.includes('/')
    ? [resolve(cwd, word)]
    : (path || defaultPath).split(delimiter).map((dir) => resolve(cwd, dir, word));
  return places.some((place) => {
    try {
      accessSync(place, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
