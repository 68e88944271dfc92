import { isToken } from '@kanade/shared/fleet';
import { type KV, type KvEntry, Kvm } from '@nats-io/kv';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';

/** Binds to a bucket without asking the broker; a bucket that is not there shows at its first read. */
export function openBucket(fleet: Fleet, name: string): Promise<KV> {
  return new Kvm(fleet.jetstream).open(name);
}

/** The entry when the key has a value now; undefined when it never had one or lost it. */
export async function readEntry(bucket: KV, key: string): Promise<KvEntry | undefined> {
  const entry = await bucket.get(key);
  return entry !== null && hasValue(entry) ? entry : undefined;
}

export function hasValue(entry: KvEntry | null): boolean {
  return entry?.operation === 'PUT';
}

/** Characters of an id that is none, in an error: whoever gave it knows the rest. */
const shownCharsMax = 200;

/** Throws FleetError `invalid_id` unless the text may become part of a subject and a key. */
export function checkId(what: string, id: string): string {
  if (isToken(id)) return id;
  throw new FleetError(
    'invalid_id',
    `${what} must be made of A-Z a-z 0-9 _ . - (no dot at either end): ${JSON.stringify(id.slice(0, shownCharsMax))}`,
  );
}
