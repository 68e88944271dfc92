import { buckets, type Fault, faultsOf } from '@kanade/shared/fleet';
import { Manifest } from '@kanade/shared/manifest';
import type { KvEntry } from '@nats-io/kv';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { checkId, openBucket, readEntry } from './bucket.ts';

/** How many entries are asked for at a time. */
const readsAtOnce = 32;

/** One job of the catalogue. A stored manifest that this version cannot read is listed with what is wrong with it. */
export type ListedManifest =
  | { readonly ok: true; readonly jobId: string; readonly manifest: Manifest }
  | { readonly ok: false; readonly jobId: string; readonly faults: readonly Fault[] };

/** All jobs of the catalogue, by id. */
export async function listManifests(
  fleet: Fleet,
  { signal }: { signal?: AbortSignal } = {},
): Promise<ListedManifest[]> {
  try {
    return await abortable(readAll(fleet), signal);
  } catch (error) {
    throw translate(error, 'listing jobs', signal);
  }
}

/** The manifest of one job. Throws FleetError `job_not_found`; `manifest_invalid` when what is stored cannot be read. */
export async function readManifest(
  fleet: Fleet,
  jobId: string,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Manifest> {
  checkId('a job id', jobId);
  const entry = await abortable(find(fleet, jobId), signal).catch((error: unknown) => {
    throw translate(error, `reading job ${jobId}`, signal);
  });
  if (!entry) throw jobNotFound(jobId);
  const job = decode(entry);
  if (job.ok) return job.manifest;
  throw new FleetError('manifest_invalid', `the stored manifest of ${jobId} cannot be read; put it again`, {
    faults: job.faults,
  });
}

export function jobNotFound(jobId: string): FleetError {
  return new FleetError('job_not_found', `no such job, "kanade fleet job list" shows them all: ${jobId}`);
}

async function find(fleet: Fleet, jobId: string): Promise<KvEntry | undefined> {
  return readEntry(await openBucket(fleet, buckets.jobs), jobId);
}

async function readAll(fleet: Fleet): Promise<ListedManifest[]> {
  const bucket = await openBucket(fleet, buckets.jobs);
  const ids: string[] = [];
  for await (const id of await bucket.keys()) ids.push(id);
  ids.sort();
  const jobs: ListedManifest[] = [];
  for (let from = 0; from < ids.length; from += readsAtOnce) {
    const entries = await Promise.all(ids.slice(from, from + readsAtOnce).map((id) => readEntry(bucket, id)));
    jobs.push(...entries.filter((entry) => entry !== undefined).map(decode));
  }
  return jobs;
}

function decode(entry: KvEntry): ListedManifest {
  const jobId = entry.key;
  let value: unknown;
  try {
    value = entry.json();
  } catch (error) {
    return {
      ok: false,
      jobId,
      faults: [{ path: '', message: `not JSON: ${error instanceof Error ? error.message : error}` }],
    };
  }
  const parsed = Manifest.safeParse(value);
  if (!parsed.success) return { ok: false, jobId, faults: faultsOf(parsed.error) };
  // What is revoked and approved goes by the key: ordered as what it calls itself, it would pass by both.
  const { id } = parsed.data;
  return id === jobId
    ? { ok: true, jobId, manifest: parsed.data }
    : { ok: false, jobId, faults: [{ path: 'id', message: `must be ${jobId}, under which it is stored: ${id}` }] };
}
