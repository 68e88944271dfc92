import { parseVersionedKey } from '../fleet/store.ts';
import { type Fault, strictAs } from '../scalar/strict.ts';
import { parseHumantime } from '../scalar/words.ts';
import { Manifest } from './manifest.ts';

export interface StrictManifestOptions {
  /** Where a `script_file` cannot be resolved any more (an HTTP API) it is refused. Default `allowed`. */
  readonly scriptFile?: 'allowed' | 'refused';
}

/**
 * Parses a manifest at a write boundary: unknown keys, a missing or doubled script and every other fault are reported
 * together, each with its path. Never throws.
 */
export function strictManifest(
  value: unknown,
  options: StrictManifestOptions = {},
): { ok: true; manifest: Manifest } | { ok: false; faults: Fault[] } {
  const read = strictAs(Manifest, value, (manifest) => rulesOf(manifest, options));
  return read.ok ? { ok: true, manifest: read.value } : { ok: false, faults: [...read.faults] };
}

/** What holds between the fields of a manifest. */
function rulesOf(manifest: Manifest, options: StrictManifestOptions): Fault[] {
  return [
    ...scriptFaults(manifest, options),
    ...tierFaults(manifest),
    ...platformFaults(manifest),
    ...finalizeFaults(manifest),
    ...blockFaults(manifest),
  ];
}

function scriptFaults({ execute }: Manifest, { scriptFile }: StrictManifestOptions): Fault[] {
  const { script, script_file, script_object } = execute;
  const given = [script, script_file, script_object].filter((text) => text !== undefined && text !== '').length;
  if (given !== 1) {
    const message = `needs exactly one of script, script_file and script_object: ${given} given`;
    return [{ path: 'execute', message }];
  }
  if (script_object && !parseVersionedKey(script_object)) {
    const message = `must be NAME/VERSION, each of A-Z a-z 0-9 _ . -: ${JSON.stringify(script_object.slice(0, 100))}`;
    return [{ path: 'execute.script_object', message }];
  }
  return script_file && scriptFile === 'refused'
    ? [{ path: 'execute.script_file', message: 'cannot be read from here: send its text as script' }]
    : [];
}

function tierFaults({ tier, feed }: Manifest): Fault[] {
  if (tier === 'unknown') return [{ path: 'tier', message: 'must be one of endpoint, controller' }];
  return tier === 'endpoint' && feed && feed.length > 0
    ? [{ path: 'tier', message: 'must be controller for a job with feed: endpoint' }]
    : [];
}

function platformFaults({ client }: Manifest): Fault[] {
  if (!client?.platforms?.includes('unknown')) return [];
  return [{ path: 'client.platforms', message: 'must name linux, macos or windows, and nothing else' }];
}

function finalizeFaults({ finalize, collect }: Manifest): Fault[] {
  return finalize?.on_each_bundle && !collect
    ? [{ path: 'finalize.on_each_bundle', message: 'needs collect: there are no bundles without it' }]
    : [];
}

function blockFaults(manifest: Manifest): Fault[] {
  const { emit, check, staleness } = manifest;
  const clashing = (['inventory', 'check', 'collect'] as const).filter((block) => manifest[block] !== undefined);
  const faults: Fault[] = emit
    ? clashing.map((block) => ({ path: 'emit', message: `cannot stand beside ${block}: both read stdout` }))
    : [];
  if (check?.alert && check.fleet === false) {
    faults.push({ path: 'check.alert', message: 'needs fleet: true, because alerts are raised by the backend' });
  }
  if (check?.alert?.priority === 'unknown') {
    faults.push({ path: 'check.alert.priority', message: 'must be one of info, warn, emergency' });
  }
  if (staleness?.mode === 'strict' && parseHumantime(staleness.max_cache_age) === undefined) {
    faults.push({ path: 'staleness.max_cache_age', message: 'must be a duration such as 30s, 10m or 1h 30m' });
  }
  return faults;
}
