/** collect: files that the script named, as one archive for each block that it printed. Only of a run that exited with 0. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { activeSessionUser, environmentOfUser, type SessionUser } from '@kanade/runner/process';
import { type CollectHint, collectDefaults, collectionKey, objectStores, parseByteSize } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import { endedAt } from '../report/end-of.ts';
import type { Bundle, Run, Upload } from '../run/model.ts';
import type { EndedRun, Made, Step } from './after.ts';
import { type Block, blocksOf, fieldOf } from './block.ts';
import { fileBundle } from './bundle.ts';

export interface CollectOptions {
  /** Where archives wait until they are in their store. */
  readonly collectedDir: string;
  /** Of the jobs that do not run as a person. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Brings a file into an object store now; false = not now. Never rejects. */
  readonly store: (file: { store: string; key: string; path: string }, signal: AbortSignal) => Promise<boolean>;
}

/**
 * Makes the archives and brings them into their store. What cannot be brought there now goes before the result does, in the order of the
 * outbox, however long the broker is away.
 */
export function createCollectStep(options: CollectOptions): Step {
  return {
    name: 'collect',
    needsSuccess: true,
    async take(ended) {
      const { outcome, signal } = ended;
      const notes = createNotes();
      const blocks = await blocksOf(outcome, 'COLLECT', { blocksMax: limits.bundlesMax + 1, signal });
      if (blocks.length > limits.bundlesMax) notes.add(`over ${limits.bundlesMax} blocks: the rest is left out`);
      const made: { bundle: Bundle; upload: Upload }[] = [];
      for (const [index, block] of blocks.slice(0, limits.bundlesMax).entries()) {
        try {
          const one = await makeOne(options, ended, { block, index, note: notes.add });
          if (one) made.push(one);
        } catch (error) {
          notes.add(
            `archive ${index + 1} could not be made: ${error instanceof Error ? error.message : String(error)}`,
          );
          if (signal.aborted) break;
        }
      }
      return madeOf(made, notes.all());
    },
  };
}

/** One archive; undefined when there is nothing in it. */
async function makeOne(
  { collectedDir, env, store }: CollectOptions,
  { run, outcome, signal }: EndedRun,
  { block, index, note }: { block: Block; index: number; note: (text: string) => void },
): Promise<{ bundle: Bundle; upload: Upload } | undefined> {
  const hint = run.command.collect as CollectHint;
  const paths = pathsIn(block, hint);
  if (typeof paths === 'string') {
    note(paths);
    return undefined;
  }
  const user = run.command.run_as === 'user' ? activeSessionUser() : undefined;
  const path = join(collectedDir, `${run.runId}-${index + 1}.zip`);
  const files = await fileBundle({
    paths,
    target: path,
    env: user ? environmentOfUser(user) : env,
    ...readerOf(run, user),
    bytesMax: await bytesMaxOf(hint, collectedDir, path),
    note,
    signal,
  });
  if (files.length === 0) return undefined;
  const key = collectionKey(run.pcId, run.command.id, stampOf({ run, outcome }, index));
  const place = { store: objectStores.collections, key };
  const uploaded = await store({ ...place, path }, signal);
  if (uploaded) await rm(path, { force: true });
  return { bundle: { key, uploaded, files }, upload: { ...place, source: { kind: 'file', path } } };
}

function madeOf(made: readonly { bundle: Bundle; upload: Upload }[], notes: string[]): Made {
  const [first] = made;
  return {
    notes,
    bundles: made.map(({ bundle }) => bundle),
    uploads: made.filter(({ bundle }) => !bundle.uploaded).map(({ upload }) => upload),
    ...(first ? { collectObject: first.bundle.key } : {}),
  };
}

/** Files of a job that runs as a person are those that the person at the machine may read; with nobody there, those for all. */
const nobody = { uid: -1, gid: -1 };
const readerOf = ({ command }: Run, user: SessionUser | undefined) =>
  command.run_as === 'user' ? { reader: user ?? nobody } : {};

/** The paths of one block, or why there are none. */
export function pathsIn(block: Block, { files_field = collectDefaults.files_field }: CollectHint): string[] | string {
  if ('fault' in block) return block.fault;
  const value = fieldOf(block.fields, files_field);
  if (!Array.isArray(value)) return `field ${files_field} ${value === undefined ? 'is missing' : 'is no list'}`;
  const paths = value.filter((path) => typeof path === 'string' && path !== '');
  return paths.length === value.length ? paths : `field ${files_field} holds something that is no path`;
}

/** The same for a repetition: the end of the job, and the run, should two of one job end at once. */
function stampOf({ run, outcome }: Pick<EndedRun, 'run' | 'outcome'>, index: number): string {
  const at = new Date(endedAt(outcome, outcome.startedAtMs ?? 0, 0)).toISOString().replaceAll(':', '-');
  return `${at}-${run.runId.slice(0, 8)}${index === 0 ? '' : `-${index + 1}`}`;
}

/** Bytes that one bundle may take in: what the job says, at most what is left for archives that wait. */
async function bytesMaxOf({ max_size }: CollectHint, dir: string, target: string): Promise<number> {
  const asked = max_size === undefined ? limits.bundleBytesDefault : (parseByteSize(max_size) ?? 0);
  let held = 0;
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    if (path !== target) held += (await stat(path).catch(() => undefined))?.size ?? 0;
  }
  return Math.max(0, Math.min(asked, limits.bundleBytesMax, limits.bundlesBytesMax - held));
}

/** Removes archives that nobody has brought away for as long as runs are kept. */
export async function pruneCollected(dir: string, nowMs: number): Promise<void> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    const { mtimeMs } = (await stat(path).catch(() => undefined)) ?? { mtimeMs: nowMs };
    if (mtimeMs < nowMs - limits.keepEndedMs) await rm(path, { force: true });
  }
}

/** Lines about what was left out: the first ones, and how many more there are. */
function createNotes() {
  const lines: string[] = [];
  let more = 0;
  return {
    add(text: string): void {
      if (lines.length < limits.collectNotesMax) lines.push(`[kanade] collect: ${text}`);
      else more++;
    },
    all: (): string[] => (more === 0 ? lines : [...lines, `[kanade] collect: and ${more} more`]),
  };
}
