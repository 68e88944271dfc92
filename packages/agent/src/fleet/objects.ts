import { createHash } from 'node:crypto';
import {
  ObjectInfo,
  objectChunkBytes,
  objectChunkSubject,
  objectDigest,
  objectMetaSubject,
  objectRollup,
  objectStream,
} from '@kanade/shared/fleet';
import { type JetStreamClient, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection, nuid } from '@nats-io/transport-node';
import { limits } from '../limits.ts';

/**
 * Stores `bytes` under `name`, in the format that `@kanade/shared/fleet` describes. The same bytes under the same name are
 * stored once. Rejects when the store cannot take them.
 */
export async function putObject(
  { connection, jetstream }: { connection: NatsConnection; jetstream: JetStreamClient },
  { store, name, bytes }: { store: string; name: string; bytes: Uint8Array },
): Promise<void> {
  const metaSubject = objectMetaSubject(store, name);
  const digest = objectDigest(createHash('sha256').update(bytes).digest());
  if ((await storedDigest(connection, store, metaSubject)) === digest) return;
  const id = nuid.next();
  let chunks = 0;
  for (let at = 0; at < bytes.length; at += objectChunkBytes) {
    await jetstream.publish(objectChunkSubject(store, id), bytes.subarray(at, at + objectChunkBytes));
    chunks++;
  }
  const description: ObjectInfo = {
    name,
    bucket: store,
    nuid: id,
    size: bytes.length,
    chunks,
    digest,
    options: { max_chunk_size: objectChunkBytes },
  };
  const replacing = headers();
  replacing.set(objectRollup.name, objectRollup.value);
  await jetstream.publish(metaSubject, JSON.stringify(description), { headers: replacing });
}

async function storedDigest(connection: NatsConnection, store: string, subject: string): Promise<string | undefined> {
  const manager = await jetstreamManager(connection, { timeout: limits.requestTimeoutMs, checkAPI: false });
  const stream = objectStream(store);
  // The subject stands in the request, so that permissions can keep a machine from reading everything. A store that answers
  // no such request is looked at, because one that is missing is told apart; otherwise the object is stored once more.
  const message = await manager.direct.getMessage(stream, { last_by_subj: subject }).catch(async () => {
    await manager.streams.info(stream);
    return null;
  });
  const known = message && ObjectInfo.safeParse(parseJson(message.string())).data;
  return known?.deleted ? undefined : known?.digest;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what is no description is replaced by one
  }
}
