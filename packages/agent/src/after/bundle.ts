/** One archive of the files that a script named. */
import { open, rm } from 'node:fs/promises';
import { limits } from '../limits.ts';
import { filesOf, type Search } from './find-files.ts';
import { type AsWhom, openPlain, PlainFault, type PlainFile } from './open-plain.ts';
import { nameInArchive, parsePathPattern } from './path-pattern.ts';
import { createZip, type ZipWriter } from './zip.ts';

export interface BundleOptions {
  /** As the script named them: paths, and patterns of paths. */
  readonly paths: readonly string[];
  /** The archive; one that stands there is of an attempt that was cut off. */
  readonly target: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose rights count; undefined = our own. */
  readonly reader?: AsWhom;
  /** Bytes of all files together, before they are packed. */
  readonly bytesMax: number;
  /** Hears what is left out, and why. */
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Returns the paths of what is in the archive; none = there is no archive. Rejects on abort and when it cannot be written, and leaves none then. */
export async function fileBundle(options: BundleOptions): Promise<string[]> {
  const { target } = options;
  await rm(target, { force: true });
  const file = await open(target, 'wx', 0o600);
  let isMade = false;
  try {
    const files = await fill(createZip(file, options.signal), options);
    isMade = files.length > 0;
    return files;
  } finally {
    await file.close();
    if (!isMade) await rm(target, { force: true });
  }
}

async function fill(zip: ZipWriter, options: BundleOptions): Promise<string[]> {
  const { bytesMax, note, reader } = options;
  const taken: string[] = [];
  const names = new Set<string>();
  let bytes = 0;
  for await (const path of namedFiles(options)) {
    const name = nameInArchive(path);
    if (names.has(name)) continue;
    if (taken.length >= limits.bundleFilesMax) {
      note(`over ${limits.bundleFilesMax} files: the rest is left out`);
      break;
    }
    try {
      await using opened = await openPlain(path, reader);
      if (bytes + opened.size > bytesMax) {
        note(`${path}: its ${opened.size} bytes do not fit: ${bytes} of ${bytesMax} are taken`);
        continue;
      }
      bytes += opened.size;
      await zip.add({ name, modifiedAt: opened.modifiedAt, read: readerOf(opened) });
      names.add(name);
      taken.push(path);
    } catch (error) {
      // What stands in the archive of a file that could not be read to its end is nothing: it is written over.
      if (!isAboutFile(error)) throw error;
      note(`${path}: ${error instanceof PlainFault ? error.message : (error as NodeJS.ErrnoException).code}`);
    }
  }
  if (taken.length > 0) await zip.end();
  return taken;
}

async function* namedFiles({ paths, env, note, signal }: BundleOptions): AsyncGenerator<string> {
  const search: Search = { note, signal, budget: { entries: limits.collectEntriesMax } };
  for (const text of paths.slice(0, limits.collectPathsMax)) {
    const pattern = parsePathPattern(text, env);
    if ('fault' in pattern) note(`${text.slice(0, 200)}: ${pattern.fault}`);
    else yield* filesOf(pattern, search);
  }
  if (paths.length > limits.collectPathsMax) note(`over ${limits.collectPathsMax} paths: the rest is left out`);
}

/** As many bytes as the file had when it was opened: one that grows has no end. */
function readerOf({ handle, size }: PlainFile): (into: Uint8Array) => Promise<number> {
  let left = size;
  return async (into) => {
    if (left === 0) return 0;
    const { bytesRead } = await handle.read(into, 0, Math.min(into.length, left));
    left -= bytesRead;
    return bytesRead;
  };
}

const fileErrors = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP', 'ENXIO', 'EIO', 'ENAMETOOLONG', 'ESTALE', 'EBUSY'];

const isAboutFile = (error: unknown): boolean =>
  error instanceof PlainFault || fileErrors.includes((error as NodeJS.ErrnoException)?.code ?? '');
