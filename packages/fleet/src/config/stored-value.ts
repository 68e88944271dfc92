/** One value of a bucket, as its leader has it, and the one way to change it: only as it was read. */
import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { bucketStream, entrySubject, removalHeader } from '@kanade/shared/fleet';
import { jetstreamManager } from '@nats-io/jetstream';
import { openBucket } from '../catalogue/bucket.ts';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isMissingStream, isWrongRevision } from '../fault/translate.ts';

/** Where a value stands. */
export interface Place {
  readonly bucket: string;
  readonly key: string;
}

export interface StoredValue {
  /** Undefined: there is none now. */
  readonly bytes: Uint8Array | undefined;
  /** What a change of it expects; 0 where there never was one. */
  readonly revision: number;
}

/** What a change makes of a value; `value` undefined leaves it as it is, null takes it away. */
export interface Changed<T> {
  readonly value: string | null | undefined;
  readonly told: T;
}

/** How often a value is read again because somebody else has changed it, and the longest pause before, in ms. */
const [triesMax, pauseMsMax] = [50, 40] as const;

/** What stands there. A bucket that is not there holds nothing. Not from a copy that may be late: whoever changes it needs the newest. */
export async function readStored(
  fleet: Pick<Fleet, 'connection'>,
  place: Place,
  signal?: AbortSignal,
): Promise<StoredValue> {
  return (await look(fleet, place, signal)) ?? { bytes: undefined, revision: 0 };
}

/** Undefined without the bucket. */
async function look(
  fleet: Pick<Fleet, 'connection'>,
  { bucket, key }: Place,
  signal: AbortSignal | undefined,
): Promise<StoredValue | undefined> {
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  const asked = manager.streams.getMessage(bucketStream(bucket), { last_by_subj: entrySubject(bucket, key) });
  const message = await abortable(asked, signal).catch((error: unknown) => {
    if (isMissingStream(error)) return undefined;
    throw error;
  });
  if (message === undefined) return undefined;
  if (message === null) return { bytes: undefined, revision: 0 };
  const operation = message.header.get(removalHeader.name);
  const isRemoved = removalHeader.values.some((value) => value === operation);
  return { bytes: isRemoved ? undefined : message.data, revision: message.seq };
}

/**
 * Changes a value, and what somebody else writes at the same time stays: `change` is asked again for what they wrote. Throws
 * FleetError `no_topology` without the bucket, `settings_changed` when others never leave it alone, and what `change` throws.
 */
export async function changeStored<T>(
  fleet: Fleet,
  place: Place,
  { change, signal }: { change: (before: StoredValue) => Changed<T>; signal?: AbortSignal | undefined },
): Promise<T> {
  for (let tries = 1; ; tries++) {
    const before = await look(fleet, place, signal);
    if (!before) {
      const what = `bucket ${place.bucket} is missing`;
      throw new FleetError('no_topology', `${what}; run "kanade fleet setup" once, it keeps what is there`);
    }
    const { value, told } = change(before);
    if (value === undefined || (value === null && before.bytes === undefined)) return told;
    try {
      await abortable(write(fleet, place, { value, revision: before.revision }), signal);
      return told;
    } catch (error) {
      if (!isWrongRevision(error)) throw error;
      if (tries === triesMax) {
        const message = `${place.key} of ${place.bucket} was changed by others ${triesMax} times meanwhile; try again`;
        throw new FleetError('settings_changed', message, { cause: error });
      }
    }
    await pause(randomInt(1, pauseMsMax), undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}

async function write(
  fleet: Fleet,
  { bucket: name, key }: Place,
  { value, revision }: { value: string | null; revision: number },
): Promise<void> {
  const bucket = await openBucket(fleet, name);
  if (value === null) await bucket.delete(key, { previousSeq: revision });
  else await bucket.put(key, value, { previousSeq: revision });
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The object that a value is as JSON; undefined when it is something else. */
export function objectIn(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // no JSON, no UTF-8
  }
}

/** The object that stands there, an empty one where nothing does. Throws FleetError `stored_unreadable`. */
export function storedObject({ bytes }: StoredValue, { bucket, key }: Place): Record<string, unknown> {
  if (bytes === undefined) return {};
  const value = objectIn(bytes);
  if (value) return value;
  throw new FleetError('stored_unreadable', `what stands at ${key} of ${bucket} is no JSON object; look at it by hand`);
}
