import { buckets, scriptStatuses } from '@kanade/shared/fleet';
import { type Manifest, type Unserved, unservedIn } from '@kanade/shared/manifest';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { findScript } from '../scripts/find-script.ts';
import { applyChanges, type Change } from './apply-changes.ts';
import { openBucket, readEntry } from './bucket.ts';
import { manifestBytesMax, type ParsedManifest, parseManifest } from './parse-manifest.ts';
import { withdrawJob } from './set-status.ts';

export interface PutOptions {
  /** Reads the file that `execute.script_file` names, relative to the manifest. Without it such manifests are refused. */
  readScriptFile?(path: string): Promise<string>;
  readonly signal?: AbortSignal;
}

export interface PutResult {
  readonly jobId: string;
  readonly version: string;
  /** False when a job of that id was there before. */
  readonly created: boolean;
  /** What it asks for and this version does not carry out: it is stored all the same, and refused where it would be left out. */
  readonly unserved: readonly Unserved[];
}

/**
 * Puts a job into the catalogue: its manifest, its source with comments, and its version as the approved one. A script
 * file becomes part of the manifest. All or nothing. A job that was revoked stays revoked; one that was removed is allowed again, but
 * for orders from before that still wait: they are taken back. Throws FleetError
 * `manifest_invalid` (with `faults`), `script_not_found` for a script object that is not stored, or `job_changed` when somebody else puts it at the same time.
 */
export async function putManifest(fleet: Fleet, yamlText: string, options: PutOptions = {}): Promise<PutResult> {
  const { manifest, source } = await prepare(yamlText, options);
  const { script_object } = manifest.execute;
  if (script_object) await findScript(fleet, script_object, { jobId: manifest.id, signal: options.signal });
  try {
    const created = await abortable(store(fleet, { manifest, source, signal: options.signal }), options.signal);
    return { jobId: manifest.id, version: manifest.version, created, unserved: unservedIn(manifest) };
  } catch (error) {
    throw translate(error, `putting job ${manifest.id}`, options.signal);
  }
}

interface Storing {
  readonly manifest: Manifest;
  readonly source: string;
  readonly signal: AbortSignal | undefined;
}

async function store(fleet: Fleet, { manifest, source, signal }: Storing): Promise<boolean> {
  const [jobs, yaml, current, status] = await Promise.all([
    openBucket(fleet, buckets.jobs),
    openBucket(fleet, buckets.jobsYaml),
    openBucket(fleet, buckets.scriptCurrent),
    openBucket(fleet, buckets.scriptStatus),
  ]);
  const key = manifest.id;
  const isNew = (await readEntry(jobs, key)) === undefined;
  const standing = await readEntry(status, key);
  const isJudged = !isNew && standing !== undefined;
  // A job that was removed is allowed again, its orders from before are not.
  if (isNew && standing !== undefined) await withdrawJob(fleet, key, signal);
  const changes: Change[] = [
    { bucket: yaml, key, value: source },
    ...(isJudged ? [] : [{ bucket: status, key, value: scriptStatuses.active }]),
    { bucket: jobs, key, value: JSON.stringify(manifest) },
    // Last: an order beside us reads this before the manifest, and approves only what it then reads. So it may approve our
    // version before we do, and never an older one after us.
    { bucket: current, key, value: manifest.version, mayBeTheirs: true },
  ];
  await applyChanges(changes);
  return isNew;
}

/** Checks the source of a job as {@link putManifest} does, without a broker, and returns its manifest. Throws `manifest_invalid`. */
export async function checkManifest(yamlText: string, options: PutOptions = {}): Promise<Manifest> {
  return (await prepare(yamlText, options)).manifest;
}

async function prepare(yamlText: string, options: PutOptions): Promise<{ manifest: Manifest; source: string }> {
  const parsed = accept(parseManifest(yamlText));
  const file = parsed.manifest.execute.script_file;
  if (file === undefined || file === '') return { manifest: parsed.manifest, source: yamlText };
  const source = await withScript(parsed, file, options);
  return { manifest: accept(parseManifest(source)).manifest, source };
}

const storeIt = 'store it with "kanade fleet script put NAME VERSION FILE" and name it as script_object: NAME/VERSION';

/** The source with the script itself in place of its file's name, comments kept. */
async function withScript(parsed: GoodManifest, file: string, options: PutOptions): Promise<string> {
  const refuse = (message: string, cause?: unknown): FleetError => {
    const path = 'execute.script_file';
    return invalid([{ path, line: parsed.lineOf(path), message }], cause);
  };
  if (!options.readScriptFile) throw refuse(`no files can be read here, put the text under script: ${file}`);
  let script: string;
  try {
    script = await abortable(options.readScriptFile(file), options.signal);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw refuse(`cannot be read: ${error instanceof Error ? error.message : error}`, error);
  }
  if (script.trim() === '') throw refuse(`is empty: ${file}`);
  try {
    parsed.document.deleteIn(['execute', 'script_file']);
    parsed.document.setIn(['execute', 'script'], script);
  } catch (error) {
    throw refuse('the block "execute" must be written out when it names a script_file', error);
  }
  const source = parsed.document.toString({ lineWidth: 0 });
  const bytes = Buffer.byteLength(source);
  if (bytes <= manifestBytesMax) return source;
  throw refuse(`${file} makes the manifest ${bytes} bytes long, at most ${manifestBytesMax}: ${storeIt}`);
}

type GoodManifest = Extract<ParsedManifest, { ok: true }>;
type Refusal = Extract<ParsedManifest, { ok: false }>;

function accept(parsed: ParsedManifest): GoodManifest {
  if (parsed.ok) return parsed;
  throw invalid(parsed.faults);
}

function invalid(faults: Refusal['faults'], cause?: unknown): FleetError {
  const shown = faults.map(({ line, path, message }) => `line ${line}${path === '' ? '' : `, ${path}`}: ${message}`);
  return new FleetError('manifest_invalid', `the manifest cannot be used: ${shown.join('; ')}`, { faults, cause });
}
