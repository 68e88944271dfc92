import { objectStores, parseCollectionKey } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { objectInfo, type StoredObject } from '../objects/object-info.ts';
import { readObject } from '../objects/read-object.ts';

/** An archive and its bytes, which come as they are read. */
export interface OpenBundle {
  readonly bundle: StoredObject;
  /** Rejects with FleetError, `object_damaged` when they are not those that were stored: what came until then is worth nothing. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** Looks an archive up. Throws FleetError `bundle_not_found`, `object_damaged`, `invalid_id` for what is no key of one. */
export async function openBundle(
  fleet: Fleet,
  key: string,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenBundle> {
  if (!parseCollectionKey(key))
    throw new FleetError('invalid_id', `no key of an archive, PC/JOB/TIME.zip is needed: ${key}`);
  const place = { store: objectStores.collections, name: key, signal };
  const look = await objectInfo(fleet.connection, place).catch((error: unknown) => {
    throw translate(error, `looking up ${key}`, signal);
  });
  if (look.ok) return { bundle: look.object, bytes: readTranslated(fleet, look.object, signal) };
  if (look.reason === 'damaged') throw new FleetError('object_damaged', `${key} is damaged and cannot be read`);
  throw new FleetError('bundle_not_found', `no such archive, "kanade fleet collect list" shows them all: ${key}`);
}

async function* readTranslated(fleet: Fleet, bundle: StoredObject, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    yield* readObject(fleet.connection, bundle, { signal });
  } catch (error) {
    throw translate(error, `reading ${bundle.name}`, signal);
  }
}
