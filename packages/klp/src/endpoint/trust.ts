/*
 * Who could have put a socket where it is. Whoever may write in one of the directories above it may put another one there, so each of them is looked
 * at, as it is written and as it is, for its owner and its mode; links on the way for their owner.
 */
import { lstatSync, realpathSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** What is wrong with the directories above a socket, undefined when nobody but root and `uids` can change what stands there. Throws what `lstat` throws. */
export function directoryProblem(path: string, uids: readonly number[]): string | undefined {
  const written = resolve(dirname(path));
  return ancestorsProblem(written, uids) ?? ancestorsProblem(realpathSync(written), uids);
}

/** The same for a socket that is to be dialled, with the owner of the socket itself; a link in its place counts as one on the way. */
export function socketProblem(path: string, uids: readonly number[]): string | undefined {
  const problem = directoryProblem(path, uids) ?? ownerProblem(lstatSync(path), path, uids);
  if (problem !== undefined) return problem;
  const real = realpathSync(path);
  return directoryProblem(real, uids) ?? ownerProblem(lstatSync(real), real, uids);
}

/** The users whom a process trusts beside root: itself, and those it was told of. */
export function trustedUids(more: readonly number[] = []): readonly number[] {
  const own = process.getuid?.();
  return own === undefined ? more : [own, ...more];
}

export const isTrusted = (uid: number, uids: readonly number[]): boolean => uid === 0 || uids.includes(uid);

function ancestorsProblem(directory: string, uids: readonly number[]): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    const found = lstatSync(at);
    const problem = ownerProblem(found, `the directory ${at}`, uids) ?? modeProblem(found, `the directory ${at}`);
    if (problem !== undefined || at === dirname(at)) return problem;
  }
}

function ownerProblem({ uid }: Stats, what: string, uids: readonly number[]): string | undefined {
  return isTrusted(uid, uids)
    ? undefined
    : `${what} belongs to uid ${uid}; it must belong to root or to uid ${uids.join(', ')}`;
}

function modeProblem(found: Stats, what: string): string | undefined {
  const { gid, mode } = found;
  // The mode of a link says nothing; where it leads is looked at for itself.
  if (found.isSymbolicLink() || (mode & 0o1000) !== 0) return undefined;
  if ((mode & 0o002) !== 0) return `${what} can be written by everybody; take that right away`;
  const isOwnGroup = gid === 0 || gid === process.getgid?.();
  if ((mode & 0o020) !== 0 && !isOwnGroup) return `${what} can be written by group ${gid}; take that right away`;
  return undefined;
}
