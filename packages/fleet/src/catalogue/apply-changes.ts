import type { KV, KvEntry } from '@nats-io/kv';
import { FleetError } from '../fault/fleet-error.ts';
import { isWrongRevision } from '../fault/translate.ts';
import { hasValue } from './bucket.ts';

/** One key that is to get a value, or to lose it (undefined). */
export interface Change {
  readonly bucket: KV;
  readonly key: string;
  readonly value: string | undefined;
  /** Somebody else may have written this very value meanwhile: then it is theirs, and no conflict. */
  readonly mayBeTheirs?: boolean;
}

interface Applied extends Change {
  readonly before: KvEntry | null;
  readonly revision: number;
}

/**
 * Makes changes in several buckets, all or none: each expects the revision that was read before the first one, and when
 * one fails those made so far are taken back in reverse order. A crash of the caller in between is the one gap, so callers
 * put the change that counts last.
 */
export async function applyChanges(changes: readonly Change[]): Promise<void> {
  const befores = await Promise.all(changes.map(({ bucket, key }) => bucket.get(key)));
  const applied: Applied[] = [];
  try {
    for (const [index, change] of changes.entries()) {
      const before = befores[index] ?? null;
      const revision = await writeOwn(change, before?.revision ?? 0);
      if (revision !== undefined) applied.push({ ...change, before, revision });
    }
  } catch (error) {
    await takeBack(applied, error);
    throw error;
  }
}

/** The new revision; undefined when the value is there by somebody else's hand. */
async function writeOwn(change: Change, expectedRevision: number): Promise<number | undefined> {
  try {
    return await write(change, expectedRevision);
  } catch (error) {
    if (!change.mayBeTheirs || !isWrongRevision(error)) throw error;
    const now = await change.bucket.get(change.key);
    if (now && hasValue(now) && now.string() === change.value) return undefined;
    throw error;
  }
}

async function write({ bucket, key, value }: Change, expectedRevision: number): Promise<number> {
  if (value !== undefined) return bucket.put(key, value, { previousSeq: expectedRevision });
  await bucket.delete(key, { previousSeq: expectedRevision });
  return (await bucket.get(key))?.revision ?? 0;
}

async function takeBack(applied: readonly Applied[], reason: unknown): Promise<void> {
  const left: string[] = [];
  const failures: unknown[] = [];
  for (const { bucket, key, before, revision } of applied.toReversed()) {
    try {
      await write({ bucket, key, value: before && hasValue(before) ? before.string() : undefined }, revision);
    } catch (error) {
      // Another writer has replaced it since, so it is not ours to take back.
      if (isWrongRevision(error)) continue;
      left.push(key);
      failures.push(error);
    }
  }
  if (left.length === 0) return;
  throw new FleetError(
    'broker_failed',
    `taking back a half-made change failed; look at the keys by hand: ${left.join(', ')}`,
    {
      cause: new AggregateError([reason, ...failures]),
    },
  );
}
