import { ObjectInfo, objectMetaSubject, objectStream, sha256OfDigest, unpaddedMetaSubject } from '@kanade/shared/fleet';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { brokerFault } from '../fault/translate.ts';

/** Where an object is. */
export interface ObjectPlace {
  readonly store: string;
  readonly name: string;
  readonly signal?: AbortSignal | undefined;
}

/** An object as its description says. */
export interface StoredObject {
  readonly store: string;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly chunks: number;
  /** SHA-256 of all bytes in lower-case hex; absent where the description has none. */
  readonly sha256?: string;
  /** When it was stored, as its writer told the time. */
  readonly storedAt?: string;
  /** Sequence of the description: another one stands for another object. */
  readonly revision: number;
  /** Names its chunks. */
  readonly nuid: string;
}

/**
 * What there is under a name; without an object `revision` is that of what stands there, such as the description of a deleted one,
 * 0 = there was never anything. A link to another object counts as damaged: nobody here follows one.
 */
export type ObjectLook =
  | { readonly ok: true; readonly object: StoredObject }
  | { readonly ok: false; readonly reason: 'missing' | 'damaged'; readonly revision: number };

/**
 * Looks an object up. The subject stands in the request, so that permissions can name what a machine may ask for. Rejects
 * with the broker's own error, `StreamNotFound` of JetStream where there is no such store.
 */
export async function objectInfo(connection: NatsConnection, place: ObjectPlace): Promise<ObjectLook> {
  const { store, name, signal } = place;
  const manager = await jetstreamManager(connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  for (const subject of new Set([objectMetaSubject(store, name), unpaddedMetaSubject(store, name)])) {
    const message = await abortable(newestOf(manager, objectStream(store), subject), signal);
    if (message) return lookAt(place, message.string(), message.seq);
  }
  return { ok: false, reason: 'missing', revision: 0 };
}

async function newestOf(manager: JetStreamManager, stream: string, subject: string) {
  try {
    return await manager.direct.getMessage(stream, { last_by_subj: subject });
  } catch (error) {
    if (!['no_jetstream', 'broker_timeout'].includes(brokerFault(error)?.code ?? '')) throw error;
    // Nobody answers direct requests: there is no such store (any more), which this tells, or a stranger made it without them.
    await manager.streams.info(stream);
    return manager.streams.getMessage(stream, { last_by_subj: subject });
  }
}

/** What a description says. */
export function lookAt({ store, name }: ObjectPlace, text: string, revision: number): ObjectLook {
  const parsed = ObjectInfo.safeParse(parseJson(text));
  if (!parsed.success) return { ok: false, reason: 'damaged', revision };
  const { deleted, options, nuid, size, chunks, digest, mtime } = parsed.data;
  if (deleted) return { ok: false, reason: 'missing', revision };
  const sha256 = digest === undefined ? undefined : sha256OfDigest(digest);
  if (options?.link || (digest !== undefined && sha256 === undefined)) {
    return { ok: false, reason: 'damaged', revision };
  }
  return {
    ok: true,
    object: {
      store,
      name,
      size,
      chunks,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(mtime === undefined ? {} : { storedAt: mtime }),
      revision,
      nuid,
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema refuses it
  }
}
