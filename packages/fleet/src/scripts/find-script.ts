import { objectStores, parseVersionedKey } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { objectInfo, type StoredObject } from '../objects/object-info.ts';

/** A script that is stored, with the hash by which orders name it. */
export type StoredScript = StoredObject & { readonly sha256: string };

/** The script under a key. Throws FleetError `script_not_found` or `object_damaged`; `jobId` is the job that wants it. */
export async function findScript(
  fleet: Fleet,
  key: string,
  { jobId, signal }: { readonly jobId: string; readonly signal?: AbortSignal | undefined },
): Promise<StoredScript> {
  const look = await objectInfo(fleet.connection, { store: objectStores.scripts, name: key, signal }).catch(
    (error: unknown) => {
      throw translate(error, `looking up script ${key} of job ${jobId}`, signal);
    },
  );
  if (look.ok && look.object.sha256 !== undefined) return { ...look.object, sha256: look.object.sha256 };
  const { name, version } = parseVersionedKey(key) ?? { name: 'NAME', version: 'VERSION' };
  const put = `"kanade fleet script put ${name} ${version} FILE"`;
  if (!look.ok && look.reason === 'missing') {
    throw new FleetError('script_not_found', `job ${jobId} runs script ${key}, which is not stored: ${put} stores it`);
  }
  throw new FleetError('object_damaged', `script ${key} of job ${jobId} is damaged: ${put} --replace stores it again`);
}
