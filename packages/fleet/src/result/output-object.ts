/**
 * Reads one object of an object store: its metadata is the newest message on `$O.<store>.M.<base64url(name)>`, its bytes
 * are the messages on `$O.<store>.C.<nuid>` in order, with their SHA-256 in the metadata.
 */
import { createHash } from 'node:crypto';
import { DeliverPolicy, jetstreamManager } from '@nats-io/jetstream';
import * as z from 'zod';
import type { Fleet } from '../connection/connect-fleet.ts';
import { requestTimeoutMsDefault } from '../connection/connect-fleet.ts';

const ObjectInfo = z.looseObject({
  nuid: z.string().regex(/^[A-Za-z0-9]+$/),
  size: z.int().nonnegative(),
  chunks: z.int().nonnegative(),
  digest: z.string().optional(),
  deleted: z.boolean().optional(),
});
type ObjectInfo = z.infer<typeof ObjectInfo>;

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
  const digest = `SHA-256=${createHash('sha256').update(bytes).digest('base64url')}`;
  const isWhole = bytes.byteLength === info.size && unpadded(info.digest ?? digest) === unpadded(digest);
  return isWhole ? { ok: true, text: bytes.toString('utf8') } : { ok: false, reason: 'damaged' };
}

const unpadded = (text: string): string => text.replace(/=+$/, '');

async function readInfo(fleet: Fleet, store: string, name: string): Promise<ObjectInfo | 'missing' | 'damaged'> {
  const key = padded(Buffer.from(name).toString('base64url'));
  const jsm = await jetstreamManager(fleet.connection, { checkAPI: false, timeout: requestTimeoutMsDefault });
  const message = await jsm.streams.getMessage(`OBJ_${store}`, { last_by_subj: `$O.${store}.M.${key}` });
  if (!message) return 'missing';
  const parsed = ObjectInfo.safeParse(parseJson(message.string()));
  if (!parsed.success) return 'damaged';
  return parsed.data.deleted ? 'missing' : parsed.data;
}

/** Object stores name their metadata in base64url *with* padding. */
const padded = (text: string): string => text + '='.repeat((4 - (text.length % 4)) % 4);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it
  }
}

async function readChunks(fleet: Fleet, store: string, info: ObjectInfo): Promise<Buffer> {
  if (info.chunks === 0) return Buffer.alloc(0);
  const consumer = await fleet.jetstream.consumers.get(`OBJ_${store}`, {
    filter_subjects: `$O.${store}.C.${info.nuid}`,
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
