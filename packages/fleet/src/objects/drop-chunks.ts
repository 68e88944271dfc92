import { objectChunkSubject, objectRollup } from '@kanade/shared/fleet';
import type { JetStreamClient } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { StoredObject } from './object-info.ts';

/** The headers of a message that replaces what is on its subject. */
export function replacing(): MsgHdrs {
  const given = headers();
  given.set(objectRollup.name, objectRollup.value);
  return given;
}

/**
 * Frees the space of chunks that no description speaks of any more: one empty message takes their place. That needs no right that
 * a writer of the store has not got; a purge would need the right to empty the whole store. Not worth a failure: they age out.
 */
export async function dropChunks(
  js: JetStreamClient,
  { store, nuid }: Pick<StoredObject, 'store' | 'nuid'>,
): Promise<void> {
  await js.publish(objectChunkSubject(store, nuid), '', { headers: replacing() }).catch(() => undefined);
}
