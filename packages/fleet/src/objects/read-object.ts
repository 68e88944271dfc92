import { createHash } from 'node:crypto';
import { objectChunkSubject, objectStream } from '@kanade/shared/fleet';
import type { NatsConnection } from '@nats-io/transport-node';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { readHeld } from '../stream/read-held.ts';
import { type ObjectPlace, objectInfo, type StoredObject } from './object-info.ts';

/** Chunks that are in memory at once. */
const chunksMax = 16;

/** What becomes of a read whose connection goes. */
export interface Cuts {
  /** Watches a connection: `gone` fires when it goes, also while nobody waits for an answer, and what was on its way is lost. */
  readonly watch: (connection: NatsConnection) => Disposable & { readonly gone: AbortSignal };
  /** A connection to go on with, behind the last byte that was read, after a failure; rejects when it is over. */
  readonly next: (error: unknown) => Promise<NatsConnection>;
}

export interface ReadObjectOptions {
  readonly signal?: AbortSignal | undefined;
  /** Default: whoever is cut off has to begin anew. */
  readonly cuts?: Cuts | undefined;
}

/**
 * The bytes of an object as they come, some chunks in memory at a time. Whoever reads may break off. Rejects with FleetError
 * `object_damaged` as soon as they are not those of its description, at the latest after the last one: what was read until then is worth nothing.
 */
export async function* readObject(
  connection: NatsConnection,
  object: StoredObject,
  options: ReadObjectOptions = {},
): AsyncGenerator<Uint8Array, void> {
  const { size, sha256 } = object;
  const hash = createHash('sha256');
  let read = 0;
  for await (const data of chunksOf(connection, object, options)) {
    read += data.byteLength;
    if (read > size) break;
    hash.update(data);
    yield data;
  }
  if (read !== size || (sha256 !== undefined && hash.digest('hex') !== sha256)) throw damaged(object);
}

async function* chunksOf(
  connection: NatsConnection,
  { store, nuid, chunks }: StoredObject,
  { signal, cuts }: ReadObjectOptions,
): AsyncGenerator<Uint8Array, void> {
  if (chunks === 0) return;
  const place = { stream: objectStream(store), filter: objectChunkSubject(store, nuid), batchMax: chunksMax, signal };
  let from = 1;
  for (let open = connection; ; ) {
    const messages = readHeld({ connection: open }, { ...place, from });
    using watched = cuts?.watch(open);
    let isWaiting = false;
    try {
      for (;;) {
        isWaiting = true;
        const { done, value } = await abortable(messages.next(), watched?.gone);
        isWaiting = false;
        watched?.gone.throwIfAborted();
        if (done) return;
        from = value.seq + 1;
        yield value.data;
      }
    } catch (error) {
      if (!cuts) throw error;
      open = await cuts.next(error);
    } finally {
      // One that still waits for an answer lets go when its request is over.
      const left = messages.return().catch(() => undefined);
      if (!isWaiting) await left;
    }
  }
}

const damaged = ({ store, name }: StoredObject): FleetError =>
  new FleetError(
    'object_damaged',
    `${name} in ${store} is damaged: its bytes are not those of its description; store it again`,
  );

/** What became of reading an object: its bytes, or why there are none. */
export type ObjectRead =
  | { readonly ok: true; readonly object: StoredObject; readonly bytes: Buffer }
  | { readonly ok: false; readonly reason: 'missing' | 'damaged' }
  | { readonly ok: false; readonly reason: 'too_large'; readonly bytes: number; readonly bytesMax: number };

/** Reads an object whole; one that says it has more than `bytesMax` is not read. Rejects only when the broker cannot be asked. */
export async function readObjectBytes(
  connection: NatsConnection,
  { bytesMax, ...place }: ObjectPlace & { readonly bytesMax: number },
): Promise<ObjectRead> {
  const look = await objectInfo(connection, place);
  if (!look.ok) return { ok: false, reason: look.reason };
  const { object } = look;
  if (object.size > bytesMax) return { ok: false, reason: 'too_large', bytes: object.size, bytesMax };
  // In its place at once: in parts, they and the whole would be in memory together.
  const bytes = Buffer.allocUnsafe(object.size);
  let have = 0;
  try {
    for await (const part of readObject(connection, object, place)) {
      bytes.set(part, have);
      have += part.byteLength;
    }
  } catch (error) {
    if (error instanceof FleetError && error.code === 'object_damaged') return { ok: false, reason: 'damaged' };
    throw error;
  }
  return { ok: true, object, bytes };
}
