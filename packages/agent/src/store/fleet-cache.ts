import type { Durable, Sql } from '@kanade/durable';
import {
  buckets,
  bucketsOnDemand,
  commandFilters,
  effectiveGroups,
  entrySubject,
  type SupportCode,
  scriptStatuses,
  storeKeys,
} from '@kanade/shared/fleet';
import { type BrokerPatience, type Contact, createContact } from './contact.ts';
import { codesIn, parseGroups } from './stored-documents.ts';

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
  /** What the layers of settings that concern this machine say, by their key in `agent_config`, as it is stored. */
  settings(): ReadonlyMap<string, string>;
  /** The support codes of the fleet; none where what stands there cannot be read. */
  supportCodes(): readonly SupportCode[];
  /**
   * Whether what it says of jobs can be out of date, because there is a broker that cannot be asked; and when it was last known to be
   * right, in ms since 1970, undefined if never. Outlives the agent.
   */
  age(): { readonly isOffline: boolean; readonly asOfMs: number | undefined };
  /** Subjects on which orders for this machine come. */
  filters(): readonly string[];
  /**
   * Resolves when what forbids orders is as well known as it can be: at once while the broker is away or has been read on this
   * connection, else when that read is done, the broker goes, or the patience ends. Rejects with the signal's reason on abort.
   */
  settled(signal: AbortSignal, patience: BrokerPatience): Promise<void>;
  /**
   * Calls back on every change of what can forbid an order, and of settings, until the returned function is called. `key`: the
   * one that changed; undefined when the whole bucket was read.
   */
  watch(listener: (bucket: HeldBucket, key: string | undefined) => void): () => void;
}

/** Buckets whose entries can say of an order that it may not run, or not here: none runs before they were read. */
export const forbiddingBuckets = [
  buckets.scriptStatus,
  buckets.scriptCurrent,
  buckets.agentGroups,
  bucketsOnDemand.agentGroupsDerived,
] as const;

/** Buckets that are kept in memory, too. */
const heldBuckets = [
  ...forbiddingBuckets,
  buckets.agentConfig,
  buckets.fleetConfig,
  bucketsOnDemand.serverSettings,
] as const;
type HeldBucket = (typeof heldBuckets)[number];

/** The buckets that an agent reads. */
export type CachedBucket = 'jobs' | HeldBucket;

/** An entry as a stream holds it. */
export interface HeldEntry {
  readonly value: Uint8Array;
  /** Its place in the stream of the bucket; undefined when it came live, which does not tell. */
  readonly sequence?: number | undefined;
}

/** How far a bucket was read: of which stream, to which sequence, and how many messages that stream held then. */
export interface BucketMark {
  readonly stream: string;
  readonly sequence: number;
  readonly messages: number;
}

/** What the broker last said, kept on disk for the time without it. `fleet/` writes it. */
export interface FleetCache extends FleetView {
  put(bucket: CachedBucket, key: string, entry: HeldEntry): void;
  remove(bucket: CachedBucket, key: string): void;
  /** The whole bucket as it was just read; up to where, if that is known. */
  replace(bucket: CachedBucket, entries: ReadonlyMap<string, HeldEntry>, mark?: BucketMark): void;
  /** What has changed in a bucket since its mark, and its new one. */
  amend(bucket: CachedBucket, change: BucketChange, mark: BucketMark): void;
  /** How far a bucket was read. */
  markOf(bucket: CachedBucket): BucketMark | undefined;
  /** The keys of a bucket, each with the place in its stream where that is known. */
  sequences(bucket: CachedBucket): ReadonlyMap<string, number | undefined>;
  /** Last sequence of a stream read through a filter; undefined when nothing of that stream was. */
  cursor(filter: string, stream: string): number | undefined;
  setCursor(filter: string, stream: string, sequence: number): void;
  readonly contact: Contact;
  setContact(contact: Exclude<Contact, 'starting'>): void;
}

export interface BucketChange {
  readonly entries: ReadonlyMap<string, HeldEntry>;
  readonly gone: ReadonlySet<string>;
}

export function createFleetCache(file: Durable, pcId: string): FleetCache {
  const contact = createContact(file);
  const { held, said } = heldIn(file);
  const groupsSaid = (): string[] =>
    effectiveGroups(
      parseGroups(said(buckets.agentGroups, pcId)),
      parseGroups(said(bucketsOnDemand.agentGroupsDerived, pcId)),
    );
  let groups = groupsSaid();
  const listeners = new Set<(bucket: HeldBucket, key: string | undefined) => void>();
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
    settings: () => held.get(buckets.agentConfig) ?? new Map(),
    age: contact.age,
    supportCodes: () => {
      const own = said(buckets.fleetConfig, storeKeys.supportCodes);
      return codesIn(own ?? said(bucketsOnDemand.serverSettings, storeKeys.serverSettings));
    },
    filters: () => commandFilters(pcId, groups),
    settled: contact.settled,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ...writersOf(held, change),
    ...cursorsIn(file),
    get contact() {
      return contact.now();
    },
    setContact: contact.set,
  };
}

type Held = Map<string, Map<string, string>>;

/** What changes the copy, in memory first and then on disk. */
function writersOf(
  held: Held,
  change: (changed: EntryChange, write: (sql: Sql) => void) => void,
): Pick<FleetCache, 'put' | 'remove' | 'replace' | 'amend'> {
  return {
    put: (bucket, key, entry) => {
      held.get(bucket)?.set(key, textOf(entry.value));
      change({ bucket, key, addsBytes: entry.value.length }, (sql) => put(sql, { bucket, key, ...entry }));
    },
    remove: (bucket, key) => {
      held.get(bucket)?.delete(key);
      change({ bucket, key, addsBytes: 0 }, (sql) => remove(sql, bucket, key));
    },
    replace: (bucket, entries, mark) => {
      if (held.has(bucket)) held.set(bucket, new Map([...entries].map(([key, { value }]) => [key, textOf(value)])));
      change({ bucket, key: undefined, addsBytes: bytesOf(entries) }, (sql) => {
        sql('DELETE FROM fleet_entry WHERE bucket = ?').run(bucket);
        for (const [key, entry] of entries) put(sql, { bucket, key, ...entry });
        setMark(sql, bucket, mark);
      });
    },
    amend: (bucket, { entries, gone }, mark) => {
      for (const key of gone) held.get(bucket)?.delete(key);
      for (const [key, { value }] of entries) held.get(bucket)?.set(key, textOf(value));
      change({ bucket, key: undefined, addsBytes: bytesOf(entries) }, (sql) => {
        for (const key of gone) remove(sql, bucket, key);
        for (const [key, entry] of entries) put(sql, { bucket, key, ...entry });
        setMark(sql, bucket, mark);
      });
    },
  };
}

/** What forbids is kept in memory, too: it holds even when the disk is too full to take it. So are settings. */
function heldIn(file: Durable) {
  const held: Held = new Map(heldBuckets.map((bucket) => [bucket, entriesOf(file, bucket)]));
  const said = (bucket: HeldBucket, key: string): string | undefined => held.get(bucket)?.get(key)?.trim();
  return { held, said };
}

interface EntryChange {
  readonly bucket: CachedBucket;
  /** Undefined: all of them. */
  readonly key: string | undefined;
  readonly addsBytes: number;
}

const bytesOf = (entries: ReadonlyMap<string, HeldEntry>): number =>
  [...entries.values()].reduce((sum, { value }) => sum + value.length, 0);

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

function cursorsIn(file: Durable): Pick<FleetCache, 'cursor' | 'setCursor' | 'markOf' | 'sequences'> {
  return {
    markOf(bucket) {
      const row = file.look((sql) => sql('SELECT * FROM cursor WHERE filter = ?').get(markName(bucket)));
      if (!row || row.messages === null) return undefined;
      return { stream: row.stream as string, sequence: Number(row.sequence), messages: Number(row.messages) };
    },
    sequences(bucket) {
      const rows = file.look((sql) => sql('SELECT key, sequence FROM fleet_entry WHERE bucket = ?').all(bucket));
      return new Map(
        rows.map(({ key, sequence }) => [key as string, sequence === null ? undefined : Number(sequence)]),
      );
    },
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

function put(sql: Sql, { bucket, key, value, sequence = null }: PutEntry): void {
  sql(
    `INSERT INTO fleet_entry (bucket, key, value, sequence) VALUES (?, ?, ?, ?)
     ON CONFLICT (bucket, key) DO UPDATE SET value = excluded.value, sequence = excluded.sequence`,
  ).run(bucket, key, value, sequence);
}

interface PutEntry {
  readonly bucket: string;
  readonly key: string;
  readonly value: Uint8Array;
  readonly sequence?: number | null | undefined;
}

const remove = (sql: Sql, bucket: string, key: string): void =>
  void sql('DELETE FROM fleet_entry WHERE bucket = ? AND key = ?').run(bucket, key);

/** The row of `cursor` that says how far a bucket was read: its subjects. */
const markName = (bucket: string): string => entrySubject(bucket, '>');

function setMark(sql: Sql, bucket: string, mark: BucketMark | undefined): void {
  sql('DELETE FROM cursor WHERE filter = ?').run(markName(bucket));
  if (!mark) return;
  const row = 'INSERT INTO cursor (filter, stream, sequence, messages) VALUES (?, ?, ?, ?)';
  sql(row).run(markName(bucket), mark.stream, mark.sequence, mark.messages);
}

const textOf = (value: unknown): string => Buffer.from(value as Uint8Array).toString('utf8');
