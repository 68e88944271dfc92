/** The signed release: what machines believe. Signing needs a folder of a release and a key, no network and no repository. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openReleaseKey, signRelease, UpdateError, verifyRelease } from '@kanade/update';
import { ReleaseFault } from './fault.mjs';

const dayMs = 86_400_000;

/** Oldest broker that the product is tested with. */
const brokerMin = '2.9.0';

/** What no release says otherwise at first; `kanade release-key sign` does, and signs again before it is over. */
const lifeDays = 90;
const floor = '0.0.0';

/** Opens keys before anything is built: one that cannot be used is said at once. @throws ReleaseFault, with the code of the library */
export const keysOf = (files) => ours(() => files.map((file) => openReleaseKey(file)));

/**
 * Writes `release.json` into a folder that has none: the manifest of its files in its signed envelope, for `kanade fleet agent publish`.
 * Without keys it writes nothing.
 */
export function signFolder(folder, { version, released_at, files }, keys) {
  const path = join(folder, 'release.json');
  if (keys.length === 0 || existsSync(path)) return;
  const manifest = {
    ...{ kind: 'kanade.release.v1', version, released_at },
    expires_at: new Date(Math.floor(Date.now() / 1000) * 1000 + lifeDays * dayMs).toISOString(),
    ...{ version_floor: floor, broker_min: brokerMin, revoked_keys: [], files },
  };
  const signed = ours(() => {
    const text = signRelease(manifest, keys);
    verifyRelease(text, { keys: keys.map(({ trusted }) => trusted) });
    return text;
  });
  const file = openSync(`${path}.new`, 'w', 0o644);
  writeSync(file, signed);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
}

function ours(work) {
  try {
    return work();
  } catch (error) {
    throw error instanceof UpdateError ? new ReleaseFault(error.code, error.message) : error;
  }
}
