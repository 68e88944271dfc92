import type { Durable, Sql } from '@kanade/durable';
import { AgentGroups, buckets, commandFilters, effectiveGroups, isToken, scriptStatuses } from '@kanade/shared/fleet';

/** What the fleet says about one job, as far as this machine knows. */
export interface JobStanding {
  /** How old our view of the broker is, in ms: 0 while connected, Infinity if there never was a connection. */
  readonly brokerAgeMs: number;
  /** Approved version of the job; undefined when none is known. */
  readonly approvedVersion: string | undefined;
  readonly isRevoked: boolean;
}

/** What the broker knows, for everybody who decides by it: gates, catalogue, local door. Works without the broker. */
export interface FleetView {
  about(jobId: string): JobStanding;
  /** The manifest of one job as it is stored. */
  manifest(jobId: string): string | undefined;
  manifests(): { readonly id: string; readonly text: string }[];
  /** Groups of this machine, sorted; none when the entry cannot be read as groups. */
  groups(): readonly string[];
  /** Subjects on which orders for this machine come. */
  filters(): readonly string[];
  /** Resolves when the broker has been read once since the agent started, or will not be. Never rejects. */
  readonly heard: Promise<void>;
}

/** The buckets that an agent reads. */
export type CachedBucket = 'jobs' | 'script_current' | 'script_status' | 'agent_groups';

/** What the broker last said, kept on disk for the time without it. `fleet/` writes it. */
export interface FleetCache extends FleetView {
  put(bucket: CachedBucket, key: string, value: Uint8Array): void;
  remove(bucket: CachedBucket, key: string): void;
  /** The whole bucket as it was just read. */
  replace(bucket: CachedBucket, entries: ReadonlyMap<string, Uint8Array>): void;
  /** Last stream sequence read through a filter; 0 = nothing yet. */
  cursor(filter: string): number;
  setCursor(filter: string, sequence: number): void;
  /** The connection to the broker came or went. */
  setConnected(isConnected: boolean): void;
  /** Every bucket was read, or nobody will do so: `heard` resolves. */
  setHeard(): void;
}

export function createFleetCache(file: Durable, pcId: string): FleetCache {
  const textAt = (bucket: CachedBucket, key: string): string | undefined => {
    const row = file.look((sql) => sql('SELECT value FROM fleet_entry WHERE bucket = ? AND key = ?').get(bucket, key));
    return row === undefined ? undefined : textOf(row.value);
  };
  const contact = createContact();
  let groups = parseGroups(textAt(buckets.agentGroups, pcId));
  const change = (bucket: CachedBucket, addsBytes: number, write: (sql: Sql) => void): void => {
    file.transact((tx) => write(tx.sql), { addsBytes });
    if (bucket === buckets.agentGroups) groups = parseGroups(textAt(buckets.agentGroups, pcId));
  };
  return {
    about: (jobId) => ({
      brokerAgeMs: contact.ageMs(),
      approvedVersion: textAt(buckets.scriptCurrent, jobId)?.trim(),
      isRevoked: textAt(buckets.scriptStatus, jobId)?.trim() === scriptStatuses.revoked,
    }),
    manifest: (jobId) => textAt(buckets.jobs, jobId),
    manifests: () =>
      file
        .look((sql) => sql('SELECT key, value FROM fleet_entry WHERE bucket = ? ORDER BY key').all(buckets.jobs))
        .map((row) => ({ id: row.key as string, text: textOf(row.value) })),
    groups: () => groups,
    filters: () => commandFilters(pcId, groups),
    heard: contact.heard,
    put: (bucket, key, value) => change(bucket, value.length, (sql) => put(sql, { bucket, key, value })),
    remove: (bucket, key) =>
      change(bucket, 0, (sql) => void sql('DELETE FROM fleet_entry WHERE bucket = ? AND key = ?').run(bucket, key)),
    replace: (bucket, entries) => {
      const bytes = [...entries.values()].reduce((sum, value) => sum + value.length, 0);
      change(bucket, bytes, (sql) => {
        sql('DELETE FROM fleet_entry WHERE bucket = ?').run(bucket);
        for (const [key, value] of entries) put(sql, { bucket, key, value });
      });
    },
    cursor: (filter) =>
      Number(file.look((sql) => sql('SELECT sequence FROM cursor WHERE filter = ?').get(filter))?.sequence ?? 0),
    setCursor: (filter, sequence) => {
      file.transact((tx) => {
        tx.sql('INSERT INTO cursor VALUES (?, ?) ON CONFLICT (filter) DO UPDATE SET sequence = excluded.sequence').run(
          filter,
          sequence,
        );
      });
    },
    setConnected: contact.setConnected,
    setHeard: contact.setHeard,
  };
}

function put(sql: Sql, { bucket, key, value }: { bucket: string; key: string; value: Uint8Array }): void {
  sql('INSERT INTO fleet_entry VALUES (?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value').run(
    bucket,
    key,
    value,
  );
}

/** How long ago the broker could have told us something, on a clock that nobody sets. */
function createContact() {
  const heard = Promise.withResolvers<void>();
  let isConnected = false;
  let lostAtMs = Number.NEGATIVE_INFINITY;
  return {
    heard: heard.promise,
    setHeard: heard.resolve,
    ageMs: () => (isConnected ? 0 : performance.now() - lostAtMs),
    setConnected(next: boolean) {
      if (isConnected && !next) lostAtMs = performance.now();
      isConnected = next;
    },
  };
}

const textOf = (value: unknown): string => Buffer.from(value as Uint8Array).toString('utf8');

function parseGroups(text: string | undefined): string[] {
  if (text === undefined) return [];
  try {
    // They become part of subjects; one that cannot be is a machine in none, like everything else that cannot be read.
    const groups = effectiveGroups(AgentGroups.parse(JSON.parse(text)));
    return groups.every(isToken) ? groups : [];
  } catch {
    return []; // fail closed: a machine whose groups cannot be read is in none
  }
}
