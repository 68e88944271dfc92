import { createHash } from 'node:crypto';
import {
  type ObjectInfo,
  objectChunkBytes,
  objectChunkSubject,
  objectDigest,
  objectMetaSubject,
  objectStream,
} from '@kanade/shared/fleet';
import { type JetStreamClient, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { type NatsConnection, nuid } from '@nats-io/transport-node';
import { requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { cutChunks } from './cut-chunks.ts';
import { dropChunks, replacing } from './drop-chunks.ts';
import { type ObjectPlace, objectInfo, type StoredObject } from './object-info.ts';

/** What is to be stored: bytes as they come, or all of them. */
export type ObjectSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface PutObjectOptions extends ObjectPlace {
  readonly source: ObjectSource;
  /** SHA-256 of the bytes in hex, where it is known beforehand: an object of that name that has it is not stored again. */
  readonly sha256?: string | undefined;
  /** Larger sources are refused, in bytes; default: no limit but that of the store. */
  readonly bytesMax?: number | undefined;
  /** Only when the description that stands there is this one; 0 = only when there was never one. */
  readonly replaces?: number | undefined;
}

export interface PutObject {
  readonly object: StoredObject;
  /** False when the same bytes stood there under this name. */
  readonly isStored: boolean;
}

/** Chunks that are on their way at once: 1 MiB keeps a network busy, and is all the memory that an upload takes. */
const inFlightMax = 8;
/** How long one acknowledgement may take, in ms: so many chunks need their time on a slow line. */
const acknowledgeMs = 30_000;

/**
 * Stores an object: chunk by chunk as the source gives it, the description last, so whoever reads meets the old object or the whole
 * new one. What a put that fails has sent is dropped. Rejects with FleetError `too_large` beyond `bytesMax`, `object_changed` when the
 * bytes are not those of `sha256`, and otherwise with what the broker or the source said: `StreamNotFound` where there is no such
 * store, 10071 when the description was not that of `replaces`, 10047 or 10077 when the store is full.
 */
export async function putObject(connection: NatsConnection, options: PutObjectOptions): Promise<PutObject> {
  const { store, name, source } = options;
  const sha256 = options.sha256 ?? (source instanceof Uint8Array ? hexOf(source) : undefined);
  const there = await lookUp(connection, options);
  if (there && sha256 !== undefined && there.sha256 === sha256) return { object: there, isStored: false };
  const js = jetstream(connection, { timeout: requestTimeoutMsDefault });
  const id = nuid.next();
  try {
    const sent = await sendChunks(js, { ...options, id, sha256, connection });
    const description: ObjectInfo = {
      bucket: store,
      nuid: id,
      size: sent.size,
      chunks: sent.chunks,
      name,
      description: '',
      options: { max_chunk_size: chunkBytesOf(connection) },
      mtime: new Date().toISOString(),
      digest: objectDigest(Buffer.from(sent.sha256, 'hex')),
      deleted: false,
    };
    const { seq } = await js.publish(objectMetaSubject(store, name), JSON.stringify(description), {
      headers: replacing(),
      ...(options.replaces === undefined ? {} : { expect: { lastSubjectSequence: options.replaces } }),
    });
    if (there) await dropChunks(js, there);
    return {
      object: { store, name, ...sent, storedAt: description.mtime ?? '', revision: seq, nuid: id },
      isStored: true,
    };
  } catch (error) {
    await dropChunks(js, { store, nuid: id });
    throw error;
  }
}

/** What stands there; undefined also for a store that cannot be asked, where the bytes are sent once more. */
async function lookUp(connection: NatsConnection, place: ObjectPlace): Promise<StoredObject | undefined> {
  try {
    const look = await objectInfo(connection, place);
    return look.ok ? look.object : undefined;
  } catch {
    place.signal?.throwIfAborted();
    // One that is missing is told apart before anything is sent.
    const manager = await jetstreamManager(connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
    await manager.streams.info(objectStream(place.store));
    return undefined;
  }
}

interface Sending extends PutObjectOptions {
  readonly id: string;
  readonly connection: NatsConnection;
}

async function sendChunks(
  js: JetStreamClient,
  { store, source, id, sha256, bytesMax = Number.POSITIVE_INFINITY, signal, connection }: Sending,
): Promise<{ size: number; chunks: number; sha256: string }> {
  const subject = objectChunkSubject(store, id);
  const pieces = source instanceof Uint8Array ? [source] : source;
  const hash = createHash('sha256');
  const inFlight = new Set<Promise<unknown>>();
  let [size, chunks, failure] = [0, 0, undefined as { error: unknown } | undefined];
  for await (const chunk of cutChunks(pieces, chunkBytesOf(connection))) {
    signal?.throwIfAborted();
    if (failure) throw failure.error;
    size += chunk.byteLength;
    chunks++;
    if (size > bytesMax) throw new FleetError('too_large', `an object of at most ${bytesMax} bytes was expected`);
    hash.update(chunk);
    const sent: Promise<unknown> = js
      .publish(subject, chunk, { timeout: acknowledgeMs, retries: 1 })
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => inFlight.delete(sent));
    inFlight.add(sent);
    if (inFlight.size >= inFlightMax) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  signal?.throwIfAborted();
  if (failure) throw failure.error;
  const found = hash.digest('hex');
  if (sha256 !== undefined && found !== sha256) {
    throw new FleetError(
      'object_changed',
      `the bytes are not those whose SHA-256 is ${sha256}: they changed meanwhile`,
    );
  }
  return { size, chunks, sha256: found };
}

const chunkBytesOf = (connection: NatsConnection): number =>
  Math.min(objectChunkBytes, connection.info?.max_payload ?? objectChunkBytes);

const hexOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
