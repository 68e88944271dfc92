import { ObjectInfo, objectMetaFilter, objectStream } from '@kanade/shared/fleet';
import type { NatsConnection } from '@nats-io/transport-node';
import { readHeld } from '../stream/read-held.ts';
import { lookAt, type StoredObject } from './object-info.ts';

/** Every object of a store, the one that was described first first. What cannot be read as a description is left out. */
export async function* listObjects(
  connection: NatsConnection,
  { store, signal }: { readonly store: string; readonly signal?: AbortSignal | undefined },
): AsyncGenerator<StoredObject, void> {
  const request = { stream: objectStream(store), filter: objectMetaFilter(store), from: 'newest', signal } as const;
  for await (const message of readHeld({ connection }, request)) {
    const name = nameIn(message.string());
    const look = name === undefined ? undefined : lookAt({ store, name }, message.string(), message.seq);
    if (look?.ok) yield look.object;
  }
}

function nameIn(text: string): string | undefined {
  try {
    return ObjectInfo.safeParse(JSON.parse(text)).data?.name;
  } catch {
    return undefined; // no description
  }
}
