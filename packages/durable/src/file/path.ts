import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { DurableError } from './error.ts';

/** Links followed one after the other; systems allow about as many. */
const linksMax = 40;

/**
 * The path a file lives at: links resolved, because SQLite keeps the WAL beside the file a link points to, and that is where a
 * salvage has to work. A link itself is never replaced.
 * @throws DurableError `cannot_open` for what is neither a regular file nor, without a link, a directory
 */
export function resolvePath(given: string): string {
  try {
    let path = resolve(given);
    let found = look(path);
    const linked = found?.isSymbolicLink() ?? false;
    for (let links = 0; found?.isSymbolicLink(); links++) {
      if (links === linksMax) throw refused(given, 'too many symbolic links');
      path = resolve(realpathSync(dirname(path)), readlinkSync(path));
      found = look(path);
    }
    if (found === undefined) return path;
    if (!found.isFile() && (linked || !found.isDirectory()))
      throw refused(given, `it ${linked ? 'is a link to' : 'is'} ${kindOf(found)}, not a regular file`);
    return realpathSync(path);
  } catch (error) {
    if (error instanceof DurableError) throw error;
    throw refused(given, (error as Error).message, error);
  }
}

/** What lies at a path; not opened, because opening a FIFO waits for its other end. */
function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** A word for what is no regular file. */
function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a directory';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}

function refused(path: string, why: string, cause?: unknown): DurableError {
  return new DurableError('cannot_open', `Cannot open ${path}: ${why}`, { cause });
}
