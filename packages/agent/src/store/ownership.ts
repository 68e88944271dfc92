/** Whether a path is ours alone: whoever can write to it, or to a directory above it, could put something else in its place. */
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { mayOthersWrite } from '@kanade/durable/files';

/**
 * Why a path is not to be trusted: it, or a directory above it, belongs to or can be written by somebody else; undefined when it
 * can be. `isOwn`: it must belong to the user of the agent, and not to root either. The way there is checked with its links and
 * without. Throws what the file system does.
 */
export function faultOnWay(path: string, { isOwn }: { readonly isOwn: boolean }): string | undefined {
  const uid = process.geteuid?.();
  if (uid === undefined) return undefined; // Windows has neither owner nor mode here
  const real = realpathSync(path);
  for (const place of new Set([...wayTo(path), ...wayTo(real)])) {
    const fault = faultIn(lstatSync(place), { uid, isOwn: isOwn && place === real, isEnd: place === real });
    if (fault !== undefined) return `${place} ${fault}`;
  }
  return undefined;
}

const wayTo = (path: string): string[] => (dirname(path) === path ? [path] : [...wayTo(dirname(path)), path]);

interface Place {
  readonly uid: number;
  readonly isOwn: boolean;
  /** The end of the way: what is written there counts even where nobody can take it away. */
  readonly isEnd: boolean;
}

function faultIn(stats: Stats, { uid, isOwn, isEnd }: Place): string | undefined {
  if (stats.uid !== uid && (isOwn || stats.uid !== 0)) {
    return `belongs to user ${stats.uid}: it must belong to ${isOwn ? '' : 'root or '}the user of the agent (${uid})`;
  }
  // A link has no mode of its own; in a directory with the sticky bit nobody exchanges what is another's.
  const isSticky = (stats.mode & 0o1000) !== 0 && !isEnd;
  if (stats.isSymbolicLink() || isSticky || !mayOthersWrite(stats, uid)) return undefined;
  return `can be written by others (mode ${(stats.mode & 0o7777).toString(8)}): take that right away (chmod go-w)`;
}
