/**
 * Puts objects into an object store of JetStream in the format that NATS clients share: chunks on
 * `$O.<store>.C.<nuid>`, then one message that describes the object on `$O.<store>.M.<base64url of its name>`.
 */
import { createHash } from 'node:crypto';
import { JetStreamApiError, type JetStreamClient, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection, nuid } from '@nats-io/transport-node';
import { limits } from '../limits.ts';

/** Stores `bytes` under `name`. The same bytes under the same name are stored once. Rejects when the store cannot take them. */
export async function putObject(
  { connection, jetstream }: { connection: NatsConnection; jetstream: JetStreamClient },
  { store, name, bytes }: { store: string; name: string; bytes: Uint8Array },
): Promise<void> {
  const metaSubject = `$O.${store}.M.${Buffer.from(name).toString('base64url')}`;
  const digest = `SHA-256=${padded(createHash('sha256').update(bytes).digest('base64url'))}`;
  if ((await storedDigest(connection, store, metaSubject)) === digest) return;
  const id = nuid.next();
  let chunks = 0;
  for (let at = 0; at < bytes.length; at += limits.objectChunkBytes) {
    await jetstream.publish(`$O.${store}.C.${id}`, bytes.subarray(at, at + limits.objectChunkBytes));
    chunks++;
  }
  const description = {
    name,
    bucket: store,
    nuid: id,
    size: bytes.length,
    chunks,
    digest,
    options: { max_chunk_size: limits.objectChunkBytes },
  };
  const replacing = headers();
  replacing.set('Nats-Rollup', 'sub');
  await jetstream.publish(metaSubject, JSON.stringify(description), { headers: replacing });
}

/** True when the failure says that there is no such store. */
export const isMissingStore = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === 10059;

async function storedDigest(connection: NatsConnection, store: string, subject: string): Promise<string | undefined> {
  const manager = await jetstreamManager(connection, { timeout: limits.requestTimeoutMs, checkAPI: false });
  const message = await manager.streams.getMessage(`OBJ_${store}`, { last_by_subj: subject });
  return message?.json<{ digest?: string }>().digest;
}

/** The format pads, Node does not. */
const padded = (text: string): string => text.padEnd(Math.ceil(text.length / 4) * 4, '=');
