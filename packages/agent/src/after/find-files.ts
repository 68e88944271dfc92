/** The files that patterns name, by their paths. Nothing is opened, and no link is followed. */
import { lstat, opendir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { limits } from '../limits.ts';
import { withoutTopLinks } from './open-plain.ts';
import { matchesPart, type PathPattern } from './path-pattern.ts';

export interface Search {
  /** Hears why something that was named is not found. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
  /** Entries of directories that are still looked at, for all patterns of a run. */
  readonly budget: { entries: number };
}

/** The files of one pattern, in the order of their names; a directory stands for everything in it. */
export async function* filesOf(
  pattern: Exclude<PathPattern, { fault: string }>,
  search: Search,
): AsyncGenerator<string> {
  let found = 0;
  if (await isBehindLink(pattern.root))
    return search.note(`${join(pattern.root, ...pattern.parts)}: a link is not followed`);
  for await (const path of walk(pattern.root, pattern.parts, search)) {
    found++;
    yield path;
  }
  if (found === 0) search.note(`${join(pattern.root, ...pattern.parts)}: no file`);
}

/** What lies behind a link is not even listed. */
async function isBehindLink(path: string): Promise<boolean> {
  const real = await realpath(path).catch(() => undefined);
  return real !== undefined && real !== (await withoutTopLinks(path));
}

async function* walk(path: string, parts: readonly string[], search: Search): AsyncGenerator<string> {
  search.signal.throwIfAborted();
  const [part, ...rest] = parts;
  if (part === undefined) {
    yield* allIn(path, search);
    return;
  }
  if (part === '**') {
    yield* walk(path, rest.length === 0 ? ['*'] : rest, search);
    for (const { name, isDirectory } of await entriesOf(path, search))
      if (isDirectory && !name.startsWith('.')) yield* walk(join(path, name), parts, search);
    return;
  }
  for (const { name, isDirectory } of await entriesOf(path, search)) {
    if (!matchesPart(part, name)) continue;
    if (rest.length > 0) {
      if (isDirectory) yield* walk(join(path, name), rest, search);
      // What a star names are files; a directory is meant where it is named.
    } else if (!isDirectory) yield join(path, name);
  }
}

/** A file, or everything below a directory. What else it is shows when it is opened. */
async function* allIn(path: string, search: Search): AsyncGenerator<string> {
  const stats = await lstat(path).catch(() => undefined);
  if (!stats) return;
  if (!stats.isDirectory()) {
    yield path;
    return;
  }
  for (const { name, isDirectory } of await entriesOf(path, search)) {
    if (isDirectory) yield* allIn(join(path, name), search);
    else yield join(path, name);
  }
}

interface Entry {
  readonly name: string;
  /** A link to one is none. */
  readonly isDirectory: boolean;
}

/** By name, so that a repetition finds the same. */
async function entriesOf(path: string, { note, signal, budget }: Search): Promise<Entry[]> {
  const entries: Entry[] = [];
  try {
    for await (const entry of await opendir(path)) {
      signal.throwIfAborted();
      if (budget.entries-- <= 0) {
        if (budget.entries === -1)
          note(`over ${limits.collectEntriesMax} entries of directories: the rest is left out`);
        break;
      }
      entries.push({ name: entry.name, isDirectory: entry.isDirectory() });
    }
  } catch (error) {
    signal.throwIfAborted();
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') note(`${path}: ${code ?? (error as Error).message}`);
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
