import { setTimeout as sleep } from 'node:timers/promises';
import type { Durable, Sql } from '@kanade/durable';
import {
  AgentGroups,
  buckets,
  bucketsOnDemand,
  commandFilters,
  effectiveGroups,
  isToken,
  scriptStatuses,
} from '@kanade/shared/fleet';
import { limits } from '../limits.ts';

/** What the fleet says about one job, as far as this machine knows. */
export interface JobStanding {
  /**
   * How old what we know of the broker is, in ms: 0 while connected, from the moment on at which everything that forbids was read
   * on this connection; Infinity if that never was so.
   */
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
  /** Groups of this machine, given and derived, sorted; of an entry that cannot be read as groups none. */
  groups(): readonly string[];
  /** Subjects on which orders for this machine come. */
  filters(): readonly string[];
  /**
   * Resolves when what forbids orders is as well known as it can be: at once while the broker is away or has been read on this
   * connection, else when that read is done, the broker goes, or the patience ends. Rejects with the signal's reason on abort.
   */
  settled(signal: AbortSignal, patience: BrokerPatience): Promise<void>;
  /**
   * Calls back on every change of what can forbid an order until the returned function is called. `key`: the one that changed;
   * undefined when the whole bucket was read.
   */
  watch(listener: (bucket: ForbiddingBucket, key: string | undefined) => void): () => void;
}

/** How long somebody waits for what the broker says, in ms, before what it last said holds. */
export interface BrokerPatience {
  /** For the first read after the start of this agent, while there is no connection yet. */
  readonly startMs: number;
  /** For the read that follows every connect. */
  readonly readMs: number;
}

/**
 * How what we know stands to the broker. `starting`: not read since this agent began; `reading`: connected, what forbids orders has
 * not been read on this connection; `current`: it has; `away`: the connection went; `none`: there is no broker.
 */
export type Contact = 'starting' | 'reading' | 'current' | 'away' | 'none';

/** Buckets whose entries can say of an order that it may not run, or not here: none runs before they were read. */
export const forbiddingBuckets = [
  buckets.scriptStatus,
  buckets.scriptCurrent,
  buckets.agentGroups,
  bucketsOnDemand.agentGroupsDerived,
] as const;
export type ForbiddingBucket = (typeof forbiddingBuckets)[number];

/** The buckets that an agent reads. */
export type CachedBucket = 'jobs' | ForbiddingBucket;

/** What the broker last said, kept on disk for the time without it. `fleet/` writes it. */
export interface FleetCache extends FleetView {
  put(bucket: CachedBucket, key: string, value: Uint8Array): void;
  remove(bucket: CachedBucket, key: string): void;
  /** The whole bucket as it was just read. */
  replace(bucket: CachedBucket, entries: ReadonlyMap<string, Uint8Array>): void;
  /** Last sequence of a stream read through a filter; undefined when nothing of that stream was. */
  cursor(filter: string, stream: string): number | undefined;
  setCursor(filter: string, stream: string, sequence: number): void;
  readonly contact: Contact;
  setContact(contact: Exclude<Contact, 'starting'>): void;
}

export function createFleetCache(file: Durable, pcId: string): FleetCache {
  const contact = createContact();
  const { forbidding, said } = forbiddingIn(file);
  const groupsSaid = (): string[] =>
    effectiveGroups(
      parseGroups(said(buckets.agentGroups, pcId)),
      parseGroups(said(bucketsOnDemand.agentGroupsDerived, pcId)),
    );
  let groups = groupsSaid();
  const listeners = new Set<(bucket: ForbiddingBucket, key: string | undefined) => void>();
  const change = ({ bucket, key, addsBytes }: EntryChange, write: (sql: Sql) => void): void => {
    groups = groupsSaid();
    try {
      file.transact((tx) => write(tx.sql), { addsBytes });
    } finally {
      if (bucket !== buckets.jobs) for (const listener of [...listeners]) listener(bucket, key);
    }
  };
  return {
    about: (jobId) => ({
      brokerAgeMs: contact.ageMs(),
      approvedVersion: said(buckets.scriptCurrent, jobId),
      isRevoked: said(buckets.scriptStatus, jobId) === scriptStatuses.revoked,
    }),
    ...manifestsIn(file),
    groups: () => groups,
    filters: () => commandFilters(pcId, groups),
    settled: contact.settled,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    put: (bucket, key, value) => {
      forbidding.get(bucket)?.set(key, textOf(value));
      change({ bucket, key, addsBytes: value.length }, (sql) => put(sql, { bucket, key, value }));
    },
    remove: (bucket, key) => {
      forbidding.get(bucket)?.delete(key);
      change({ bucket, key, addsBytes: 0 }, (sql) => {
        sql('DELETE FROM fleet_entry WHERE bucket = ? AND key = ?').run(bucket, key);
      });
    },
    replace: (bucket, entries) => {
      if (forbidding.has(bucket)) {
        forbidding.set(bucket, new Map([...entries].map(([key, value]) => [key, textOf(value)])));
      }
      const addsBytes = [...entries.values()].reduce((sum, value) => sum + value.length, 0);
      change({ bucket, key: undefined, addsBytes }, (sql) => {
        sql('DELETE FROM fleet_entry WHERE bucket = ?').run(bucket);
        for (const [key, value] of entries) put(sql, { bucket, key, value });
      });
    },
    ...cursorsIn(file),
    get contact() {
      return contact.now();
    },
    setContact: contact.set,
  };
}

/** What forbids is kept in memory, too: it holds even when the disk is too full to take it. */
function forbiddingIn(file: Durable) {
  const forbidding = new Map<string, Map<string, string>>(
    forbiddingBuckets.map((bucket) => [bucket, entriesOf(file, bucket)]),
  );
  const said = (bucket: ForbiddingBucket, key: string): string | undefined => forbidding.get(bucket)?.get(key)?.trim();
  return { forbidding, said };
}

interface EntryChange {
  readonly bucket: CachedBucket;
  /** Undefined: all of them. */
  readonly key: string | undefined;
  readonly addsBytes: number;
}

function manifestsIn(file: Durable): Pick<FleetCache, 'manifest' | 'manifests'> {
  return {
    manifest: (jobId) => {
      const entry = 'SELECT value FROM fleet_entry WHERE bucket = ? AND key = ?';
      const row = file.look((sql) => sql(entry).get(buckets.jobs, jobId));
      return row === undefined ? undefined : textOf(row.value);
    },
    manifests: () =>
      file
        .look((sql) => sql('SELECT key, value FROM fleet_entry WHERE bucket = ? ORDER BY key').all(buckets.jobs))
        .map((row) => ({ id: row.key as string, text: textOf(row.value) })),
  };
}

function cursorsIn(file: Durable): Pick<FleetCache, 'cursor' | 'setCursor'> {
  return {
    cursor(filter, stream) {
      const row = file.look((sql) => sql('SELECT sequence, stream FROM cursor WHERE filter = ?').get(filter));
      // The versions before did not say of which stream: they are believed.
      return row && (row.stream === null || row.stream === stream) ? Number(row.sequence) : undefined;
    },
    setCursor(filter, stream, sequence) {
      file.transact((tx) => {
        tx.sql(
          `INSERT INTO cursor (filter, stream, sequence) VALUES (?, ?, ?)
           ON CONFLICT (filter) DO UPDATE SET stream = excluded.stream, sequence = excluded.sequence`,
        ).run(filter, stream, sequence);
      });
    },
  };
}

function entriesOf(file: Durable, bucket: CachedBucket): Map<string, string> {
  const rows = file.look((sql) => sql('SELECT key, value FROM fleet_entry WHERE bucket = ?').all(bucket));
  return new Map(rows.map((row) => [row.key as string, textOf(row.value)]));
}

function put(sql: Sql, { bucket, key, value }: { bucket: string; key: string; value: Uint8Array }): void {
  sql('INSERT INTO fleet_entry VALUES (?, ?, ?) ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value').run(
    bucket,
    key,
    value,
  );
}

/** How what we know stands to the broker, and how old it is, on a clock that nobody sets. */
function createContact() {
  let contact: Contact = 'starting';
  let lostAtMs = Number.NEGATIVE_INFINITY;
  let changed = Promise.withResolvers<void>();
  return {
    now: () => contact,
    ageMs: () => (contact === 'current' ? 0 : performance.now() - lostAtMs),
    set(next: Exclude<Contact, 'starting'>) {
      if (contact === 'current' && next !== 'current') lostAtMs = performance.now();
      // A connection that went before anything was read is as good as none.
      contact = next === 'away' && lostAtMs === Number.NEGATIVE_INFINITY ? 'starting' : next;
      changed.resolve();
      changed = Promise.withResolvers();
    },
    async settled(signal: AbortSignal, { startMs, readMs }: BrokerPatience): Promise<void> {
      const sinceMs = performance.now();
      while (contact === 'starting' || contact === 'reading') {
        const leftMs = sinceMs + (contact === 'starting' ? startMs : readMs) - performance.now();
        if (leftMs <= 0) return;
        await untilChanged(changed.promise, leftMs, signal);
      }
    },
  };
}

async function untilChanged(change: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  const done = new AbortController();
  const timer = { signal: AbortSignal.any([signal, done.signal]), ref: false };
  // No timer waits for ever.
  const late = sleep(Math.min(ms, limits.brokerWaitMs), undefined, timer).catch(() => undefined);
  await Promise.race([change, late]);
  done.abort();
  signal.throwIfAborted();
}

const textOf = (value: unknown): string => Buffer.from(value as Uint8Array).toString('utf8');

function parseGroups(text: string | undefined): AgentGroups | undefined {
  if (text === undefined) return undefined;
  try {
    const groups = AgentGroups.parse(JSON.parse(text));
    // They become part of subjects; an entry with one that cannot be counts like all that cannot be read.
    return groups.groups.every(isToken) ? groups : undefined;
  } catch {
    return undefined; // fail closed: it says that this machine is in none
  }
}
