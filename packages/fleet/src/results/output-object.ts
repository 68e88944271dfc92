import { createHash } from 'node:crypto';
import {
  isSameDigest,
  ObjectInfo,
  objectChunkSubject,
  objectDigest,
  objectMetaSubject,
  objectStream,
  unpaddedMetaSubject,
} from '@kanade/shared/fleet';
import { DeliverPolicy, jetstreamManager } from '@nats-io/jetstream';
import type { Fleet } from '../connection/connect-fleet.ts';
import { requestTimeoutMsDefault } from '../connection/connect-fleet.ts';

export interface ObjectRequest {
  readonly store: string;
  readonly name: string;
  /** Larger objects are not read. */
  readonly bytesMax: number;
}

/** What became of reading an object: its text, or why there is none. */
export type ObjectText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: 'missing' | 'damaged' }
  | { readonly ok: false; readonly reason: 'too_large'; readonly bytes: number; readonly bytesMax: number };

/** Reads an object as UTF-8, lossily. Rejects only when the broker cannot be asked. */
export async function readObject(fleet: Fleet, { store, name, bytesMax }: ObjectRequest): Promise<ObjectText> {
  const info = await readInfo(fleet, store, name);
  if (info === 'missing' || info === 'damaged') return { ok: false, reason: info };
  if (info.size > bytesMax) return { ok: false, reason: 'too_large', bytes: info.size, bytesMax };
  const bytes = await readChunks(fleet, store, info);
  const digest = objectDigest(createHash('sha256').update(bytes).digest());
  const isWhole = bytes.byteLength === info.size && isSameDigest(info.digest ?? digest, digest);
  return isWhole ? { ok: true, text: bytes.toString('utf8') } : { ok: false, reason: 'damaged' };
}

async function readInfo(fleet: Fleet, store: string, name: string): Promise<ObjectInfo | 'missing' | 'damaged'> {
  const jsm = await jetstreamManager(fleet.connection, { checkAPI: false, timeout: requestTimeoutMsDefault });
  for (const subject of new Set([objectMetaSubject(store, name), unpaddedMetaSubject(store, name)])) {
    const message = await jsm.streams.getMessage(objectStream(store), { last_by_subj: subject });
    if (!message) continue;
    const parsed = ObjectInfo.safeParse(parseJson(message.string()));
    if (!parsed.success) return 'damaged';
    return parsed.data.deleted ? 'missing' : parsed.data;
  }
  return 'missing';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it
  }
}

async function readChunks(fleet: Fleet, store: string, info: ObjectInfo): Promise<Buffer> {
  if (info.chunks === 0) return Buffer.alloc(0);
  const consumer = await fleet.jetstream.consumers.get(objectStream(store), {
    filter_subjects: objectChunkSubject(store, info.nuid),
    deliver_policy: DeliverPolicy.All,
  });
  const parts: Uint8Array[] = [];
  let read = 0;
  try {
    const messages = await consumer.fetch({ max_messages: info.chunks, expires: requestTimeoutMsDefault });
    for await (const message of messages) {
      parts.push(message.data);
      read += message.data.byteLength;
      if (parts.length === info.chunks || read > info.size) break;
    }
  } finally {
    await consumer.delete().catch(() => false); // it goes by itself when it stays unused
  }
  return Buffer.concat(parts);
}
