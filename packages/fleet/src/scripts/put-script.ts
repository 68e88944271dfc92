import { createHash } from 'node:crypto';
import { objectStores, scriptObjectBytesMax, versionedKey } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { objectInfo } from '../objects/object-info.ts';
import { putObject } from '../objects/put-object.ts';
import { jobsByScript } from './jobs-by-script.ts';

export interface PutScriptOptions {
  readonly name: string;
  readonly version: string;
  /** UTF-8, at most 4 MiB. */
  readonly bytes: Uint8Array;
  /** Others may stand under that name and version, and go. */
  readonly mayReplace: boolean;
  readonly signal?: AbortSignal;
}

export interface PutScriptResult {
  /** What a manifest names as `script_object`: `<name>/<version>`. */
  readonly key: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** What stood there before; of the same bytes nothing is stored again. */
  readonly before: 'nothing' | 'the same' | 'another';
  /** Jobs of the catalogue that run it from now on; orders from before are refused, because they name the hash of the other. */
  readonly jobs: readonly string[];
}

/**
 * Stores a script under its name and version. Throws FleetError `invalid_id`, `script_invalid` for what is empty or no UTF-8, `too_large`,
 * `script_exists` when another stands there, `job_changed` when somebody else stores one at the same time, `not_enough_storage`.
 */
export async function putScript(fleet: Fleet, options: PutScriptOptions): Promise<PutScriptResult> {
  const { bytes, mayReplace, signal } = options;
  const key = versionedKey(checkId('the name of a script', options.name), checkId('its version', options.version));
  checkScript(key, bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const place = { store: objectStores.scripts, name: key, signal };
  try {
    const look = await objectInfo(fleet.connection, place);
    const isSame = look.ok && look.object.sha256 === sha256;
    if (look.ok && !isSame && !mayReplace) throw taken(key);
    if (!isSame) {
      const replaces = look.ok ? look.object.revision : look.revision;
      await putObject(fleet.connection, { ...place, source: bytes, sha256, replaces });
    }
    const before = isSame ? 'the same' : look.ok || look.reason === 'damaged' ? 'another' : 'nothing';
    return { key, sha256, size: bytes.byteLength, before, jobs: (await jobsByScript(fleet, signal)).get(key) ?? [] };
  } catch (error) {
    throw translate(error, `storing script ${key}`, signal);
  }
}

const taken = (key: string): FleetError =>
  new FleetError(
    'script_exists',
    `another script is stored as ${key}: give yours another version; --replace puts it in its place, and machines then refuse orders from before`,
  );

function checkScript(key: string, bytes: Uint8Array): void {
  if (bytes.byteLength > scriptObjectBytesMax) {
    throw new FleetError('too_large', `script ${key} has ${bytes.byteLength} bytes, at most ${scriptObjectBytesMax}`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FleetError('script_invalid', `script ${key} is no UTF-8: save it as UTF-8`, { cause });
  }
  if (text.trim() === '') throw new FleetError('script_invalid', `script ${key} is empty`);
}
