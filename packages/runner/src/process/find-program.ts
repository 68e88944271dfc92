import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, resolve } from 'node:path';

/** Where programs are looked for when the environment names no PATH. */
const defaultPath = '/usr/local/bin:/usr/bin:/bin';

/**
 * The executable file that a word names: a path, or a name looked up in PATH; undefined when there is none. Relative
 * entries of PATH are left out, and relative paths are resolved against `cwd`.
 */
export function findProgram(word: string, path: string | undefined, cwd = '/'): string | undefined {
  const places = word.includes('/')
    ? [resolve(cwd, word)]
    : (path || defaultPath)
        .split(delimiter)
        .filter((dir) => isAbsolute(dir))
        .map((dir) => `${dir}/${word}`);
  return places.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not for us: the next directory may have it
  }
}
