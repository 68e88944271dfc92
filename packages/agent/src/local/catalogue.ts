import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { Manifest, strictManifest, unservedIn } from '@kanade/shared/manifest';
import { LineCounter, parseDocument } from 'yaml';
import { AgentError } from '../agent-error.ts';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import { faultOnWay } from '../store/ownership.ts';

/** The jobs this machine knows: files of its own directory first, then those of the fleet. */
export interface Catalogue extends Disposable {
  list(): Manifest[];
  /**
   * The manifest as it is right now: read again from the file, or from the broker where that can be reached. Of a manifest of the fleet that
   * cannot be read, which field it is, or that it is none at all.
   */
  fresh(id: string): Promise<Manifest | Unreadable | undefined>;
}

export class Unreadable {
  readonly field: 'execute.timeout' | 'manifest';

  constructor(field: Unreadable['field']) {
    this.field = field;
  }
}

export interface CatalogueOptions {
  readonly dir: string | undefined;
  readonly view: Pick<FleetView, 'manifest' | 'manifests'>;
  /** Brings one manifest of the cache up to date, if the broker can be asked. Never rejects. */
  readonly refresh: (id: string) => Promise<void>;
  /** Something of what it lists is another thing now. */
  readonly onChange: () => void;
  readonly log: Logger;
}

/** Reads the job directory and follows its changes. Throws AgentError `jobs_dir_unusable`. */
export function openCatalogue({ dir, view, refresh, onChange, log }: CatalogueOptions): Catalogue {
  const files = dir === undefined ? undefined : openJobFiles(dir, { onChange, log });
  /** Each manifest of the fleet as it was read last: it is read again when its text is another. */
  const read = new Map<string, { readonly text: string; readonly manifest: Manifest | Unreadable }>();
  const ofFleet = (text: string, id: string): Manifest | Unreadable => {
    const before = read.get(id);
    if (before?.text === text) return before.manifest;
    const manifest = parseStored(text, id);
    read.set(id, { text, manifest });
    if (isReadable(manifest)) tellUnserved(log, manifest);
    else log.warn({ id, field: manifest.field }, 'a job of the fleet cannot be read and is left out');
    return manifest;
  };
  return {
    list() {
      const own = files?.manifests() ?? new Map<string, Manifest>();
      const stored = view.manifests();
      const fleet = stored.filter(({ id }) => !own.has(id)).map(({ id, text }) => ofFleet(text, id));
      const ids = new Set(stored.map(({ id }) => id));
      for (const id of read.keys()) if (!ids.has(id)) read.delete(id);
      return [...own.values(), ...fleet.filter(isReadable)];
    },
    async fresh(id) {
      files?.tryRead();
      const own = files?.manifests().get(id);
      // A file of this machine is never out of date.
      if (own) return { ...own, staleness: undefined };
      await refresh(id);
      const text = view.manifest(id);
      return text === undefined ? undefined : ofFleet(text, id);
    },
    [Symbol.dispose]: () => files?.close(),
  };
}

const isReadable = (manifest: Manifest | Unreadable): manifest is Manifest => !(manifest instanceof Unreadable);

/** What is revoked, approved and offered goes by the key: a manifest that calls itself something else is none. */
function parseStored(text: string, id: string): Manifest | Unreadable {
  try {
    const { data, error } = Manifest.safeParse(JSON.parse(text));
    if (data) return data.id === id ? data : new Unreadable('manifest');
    const isTimeout = error.issues.every(({ path }) => path.join('.') === 'execute.timeout');
    return new Unreadable(isTimeout ? 'execute.timeout' : 'manifest');
  } catch {
    return new Unreadable('manifest'); // no JSON; reported by the caller, who knows which one it is
  }
}

/** A job that is meant for people and is not offered to them: whoever wrote it finds out why here. */
function tellUnserved(log: Logger, manifest: Manifest): void {
  const unserved = unservedIn(manifest).filter(({ refusedTo }) => refusedTo !== 'nobody');
  if (!manifest.client || unserved.length === 0) return;
  const reasons = unserved.map(({ path, reason }) => `${path}: ${reason}`);
  log.warn({ id: manifest.id, reasons }, 'a job is not offered to people: this version does not do what it asks for');
}

interface JobFile {
  /** Changes whenever the file does. */
  readonly stamp: string;
  readonly manifest: Manifest | undefined;
}

/** Whoever could write one of these files could start anything on this machine as the user of the agent. */
function openJobFiles(dir: string, { onChange, log }: Pick<CatalogueOptions, 'onChange' | 'log'>) {
  let known = new Map<string, JobFile>();
  let byId = new Map<string, Manifest>();

  function load(path: string): JobFile {
    const { size, mtimeMs, ino, mode, uid } = statSync(path);
    const stamp = [size, mtimeMs, ino, mode, uid].join(' ');
    const before = known.get(path);
    if (before?.stamp === stamp) return before;
    const parsed = readJobFile(path, size);
    if ('manifest' in parsed) {
      tellUnserved(log, parsed.manifest);
      return { stamp, manifest: parsed.manifest };
    }
    log.warn({ path, faults: parsed.faults }, 'job file skipped: it is no manifest that can be used');
    return { stamp, manifest: undefined };
  }

  function read(): void {
    const found = new Map<string, JobFile>();
    const fault = faultOnWay(dir, { isOwn: false });
    if (fault !== undefined) {
      [known, byId] = [found, new Map()];
      throw new Error(fault);
    }
    for (const path of jobPaths(dir)) {
      try {
        found.set(path, load(path));
      } catch (error) {
        log.warn({ path, err: error }, 'job file skipped: it cannot be read');
      }
    }
    known = found;
    byId = new Map();
    for (const [path, { manifest }] of found) {
      if (!manifest) continue;
      if (byId.has(manifest.id)) log.warn({ path, id: manifest.id }, 'job file skipped: another file has the same id');
      else byId.set(manifest.id, manifest);
    }
  }

  try {
    read();
  } catch (cause) {
    const why = `${(cause as Error).message}; give --jobs a directory of your own`;
    throw new AgentError('jobs_dir_unusable', `read jobs from ${dir}: ${why}`, { cause });
  }
  function tryRead(): void {
    try {
      read();
    } catch (error) {
      log.warn({ dir, err: error }, 'the job directory cannot be read');
    }
  }
  const close = watchDir(dir, log, () => {
    tryRead();
    onChange();
  });
  return { tryRead, manifests: (): ReadonlyMap<string, Manifest> => byId, close };
}

function watchDir(dir: string, log: Logger, onChange: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dir, () => {
      clearTimeout(timer);
      timer = setTimeout(onChange, limits.jobsSettleMs);
    });
    watcher.on('error', (error) => log.warn({ dir, err: error }, 'the job directory is not watched any more'));
  } catch (error) {
    log.warn({ dir, err: error }, 'the job directory cannot be watched; it is read again at each start of a job');
  }
  return () => {
    clearTimeout(timer);
    watcher?.close();
  };
}

function jobPaths(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    .sort()
    .slice(0, limits.jobFilesMax)
    .map((name) => join(dir, name));
}

function readJobFile(path: string, size: number): ParsedFile {
  const fault = faultOnWay(path, { isOwn: false });
  if (fault !== undefined) return { faults: [fault] };
  if (size > limits.jobFileBytesMax) return { faults: [`${size} bytes: the limit is ${limits.jobFileBytesMax}`] };
  return parseJobFile(readFileSync(path, 'utf8'));
}

type ParsedFile = { readonly manifest: Manifest } | { readonly faults: readonly string[] };

/** Strict, because this is where people write: every fault at once, with the line where one is known. */
export function parseJobFile(text: string): ParsedFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0) {
    return {
      faults: document.errors.map(
        ({ message, pos }) => `line ${lines.linePos(pos[0]).line}: ${message.split('\n')[0]}`,
      ),
    };
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { faults: [(error as Error).message] };
  }
  const parsed = strictManifest(value);
  if (!parsed.ok) {
    return {
      faults: parsed.faults.map(({ path, message }) => {
        const offset = (document.getIn(path.split('.'), true) as { range?: [number] } | undefined)?.range?.[0];
        const line = offset === undefined ? '' : `line ${lines.linePos(offset).line}: `;
        return `${line}${path === '' ? 'document' : path}: ${message}`;
      }),
    };
  }
  if (parsed.manifest.execute.script_file) {
    return { faults: ['execute.script_file: only `kanade fleet job put` resolves it; write the script inline'] };
  }
  return { manifest: parsed.manifest };
}
