import type { Durable } from '@kanade/durable';
import { objectStores, objectStream } from '@kanade/shared/fleet-words';

/** The SHA-256 that scripts of the object store had when the broker was last asked, kept on disk for the time without it. */
export interface ScriptDigests {
  get(name: string): string | undefined;
  set(name: string, sha256: string): void;
  forget(name: string): void;
  /** Forgets all others. */
  retain(names: ReadonlySet<string>): void;
}

const bucket = objectStream(objectStores.scripts);

/** Beside what the buckets of the broker last held, in the same table. */
export function openScriptDigests(file: Durable): ScriptDigests {
  const get = (name: string): string | undefined => {
    const row = file.look((sql) => sql('SELECT value FROM fleet_entry WHERE bucket = ? AND key = ?').get(bucket, name));
    return row === undefined ? undefined : Buffer.from(row.value as Uint8Array).toString('utf8');
  };
  const forget = (name: string): void => {
    file.transact((tx) => void tx.sql('DELETE FROM fleet_entry WHERE bucket = ? AND key = ?').run(bucket, name));
  };
  return {
    get,
    set(name, sha256) {
      if (get(name) === sha256) return;
      file.transact((tx) => {
        const insert =
          'INSERT INTO fleet_entry (bucket, key, value) VALUES (?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value';
        tx.sql(insert).run(bucket, name, Buffer.from(sha256));
      });
    },
    forget,
    retain(names) {
      const rows = file.look((sql) => sql('SELECT key FROM fleet_entry WHERE bucket = ?').all(bucket));
      for (const { key } of rows) if (!names.has(key as string)) forget(key as string);
    },
  };
}
