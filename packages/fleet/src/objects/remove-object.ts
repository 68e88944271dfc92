import { type ObjectInfo, objectMetaSubject } from '@kanade/shared/fleet';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { dropChunks, replacing } from './drop-chunks.ts';
import { type ObjectPlace, objectInfo, type StoredObject } from './object-info.ts';

/**
 * Takes an object out of its store; its description stays as one of a deleted object, as official clients leave it. Returns what
 * was there, undefined when nothing was. Rejects with the broker's own error, 10071 when it was replaced meanwhile.
 */
export async function removeObject(connection: NatsConnection, place: ObjectPlace): Promise<StoredObject | undefined> {
  const { store, name } = place;
  const look = await objectInfo(connection, place);
  if (!look.ok) return undefined;
  const { nuid, revision, storedAt } = look.object;
  const js = jetstream(connection, { timeout: requestTimeoutMsDefault });
  const gone: ObjectInfo = {
    bucket: store,
    nuid,
    size: 0,
    chunks: 0,
    name,
    digest: '',
    mtime: storedAt,
    deleted: true,
  };
  await js.publish(objectMetaSubject(store, name), JSON.stringify(gone), {
    headers: replacing(),
    expect: { lastSubjectSequence: revision },
  });
  await dropChunks(js, look.object);
  return look.object;
}
