import { buckets, Id } from '@kanade/shared/fleet';
import * as z from 'zod';
import type { StateDb } from '../state-db.ts';

/** The buckets that an agent reads. */
export type CachedBucket = 'jobs' | 'script_current' | 'script_status' | 'agent_groups';

/** What the broker last said, kept for the time without it. */
export interface FleetCache {
  put(bucket: CachedBucket, key: string, value: Uint8Array): void;
  remove(bucket: CachedBucket, key: string): void;
  /** The whole bucket as it was just read. */
  replace(bucket: CachedBucket, entries: ReadonlyMap<string, Uint8Array>): void;
  text(bucket: CachedBucket, key: string): string | undefined;
  texts(bucket: CachedBucket): { key: string; text: string }[];
  /** Groups of this machine, sorted; none when the entry cannot be read as groups. */
  groups(): string[];
  /** Last stream sequence read through a filter; 0 = nothing yet. */
  cursor(filter: string): number;
  setCursor(filter: string, sequence: number): void;
}

const AgentGroups = z.looseObject({ groups: z.array(Id) });

export function createFleetCache(db: StateDb, pcId: string): FleetCache {
  const { database } = db;
  const put = (bucket: CachedBucket, key: string, value: Uint8Array): void => {
    database
      .prepare(
        'INSERT INTO fleet_entry VALUES (?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value',
      )
      .run(bucket, key, value);
  };
  const text = (bucket: CachedBucket, key: string): string | undefined => {
    const row = database.prepare('SELECT value FROM fleet_entry WHERE bucket = ? AND key = ?').get(bucket, key);
    return row === undefined ? undefined : textOf(row.value);
  };
  return {
    put: (bucket, key, value) => db.transact(() => put(bucket, key, value)),
    remove: (bucket, key) => {
      db.transact(() => database.prepare('DELETE FROM fleet_entry WHERE bucket = ? AND key = ?').run(bucket, key));
    },
    replace: (bucket, entries) => {
      db.transact(() => {
        database.prepare('DELETE FROM fleet_entry WHERE bucket = ?').run(bucket);
        for (const [key, value] of entries) put(bucket, key, value);
      });
    },
    text,
    texts: (bucket) =>
      database
        .prepare('SELECT key, value FROM fleet_entry WHERE bucket = ? ORDER BY key')
        .all(bucket)
        .map((row) => ({ key: row.key as string, text: textOf(row.value) })),
    groups: () => parseGroups(text(buckets.agentGroups, pcId)),
    cursor: (filter) =>
      Number(database.prepare('SELECT sequence FROM cursor WHERE filter = ?').get(filter)?.sequence ?? 0),
    setCursor: (filter, sequence) => {
      db.transact(() =>
        database
          .prepare('INSERT INTO cursor VALUES (?, ?) ON CONFLICT (filter) DO UPDATE SET sequence = excluded.sequence')
          .run(filter, sequence),
      );
    },
  };
}

const textOf = (value: unknown): string => Buffer.from(value as Uint8Array).toString('utf8');

function parseGroups(text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    const { groups } = AgentGroups.parse(JSON.parse(text));
    return [...new Set(groups)].sort();
  } catch {
    return []; // fail closed: a machine whose groups cannot be read is in none
  }
}
