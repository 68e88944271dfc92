import { randomUUID } from 'node:crypto';
import { buckets, type Command, commandSubject, type Target } from '@kanade/shared/fleet';
import { commandOf, type Manifest } from '@kanade/shared/manifest';
import { headers } from '@nats-io/transport-node';
import { checkId, openBucket, readEntry } from '../catalogue/bucket.ts';
import { readManifest } from '../catalogue/read-manifests.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import type { Signer } from '../keys/signer.ts';
import { type Provenance, packOrder } from './pack-order.ts';

export interface OrderRequest {
  readonly jobId: string;
  readonly target: Target;
  /** How long the run may take, in ms, instead of what the manifest says; rounded up to whole seconds. */
  readonly timeoutMs?: number;
  /** Signs the order; without it machines that insist on signatures refuse it. */
  readonly signer?: Signer | undefined;
  readonly signal?: AbortSignal;
}

/** An order that the broker has stored. */
export interface Order {
  /** What `kill` takes. */
  readonly execId: string;
  /** What `followResults` takes; every machine that runs the order answers under it. */
  readonly requestId: string;
  readonly jobId: string;
  readonly version: string;
  readonly subjects: readonly string[];
  /** How long each run may take, in ms. */
  readonly timeoutMs: number;
  /** Undefined for an order without a signature. */
  readonly provenance: Provenance | undefined;
}

/**
 * Orders a job of the catalogue on a machine, a group or all machines. Resolves when the broker has stored the order;
 * machines that are away get it later, the newest order of each job. Throws FleetError `job_not_found`, `no_topology`,
 * `script_unsupported`, `too_large` or `invalid_id`.
 */
export async function sendOrder(fleet: Fleet, request: OrderRequest): Promise<Order> {
  const { jobId, target, signal } = request;
  checkTarget(target);
  const manifest = await readManifest(fleet, jobId, { signal });
  const command = lower(manifest, request);
  const subject = commandSubject(target, jobId);
  const packed = await packOrder(fleet, command, request);
  checkSize(fleet, packed.body.byteLength, jobId);
  try {
    await abortable(approve(fleet, jobId, manifest.version), signal);
    await abortable(publish(fleet, { subject, ...packed, messageId: command.request_id }), signal);
  } catch (error) {
    throw translate(error, `ordering ${jobId} on ${subject}`, signal);
  }
  return {
    execId: command.exec_id ?? '',
    requestId: command.request_id,
    jobId,
    version: manifest.version,
    subjects: [subject],
    timeoutMs: command.timeout_secs * 1000,
    provenance: packed.provenance,
  };
}

function lower(manifest: Manifest, { jobId, timeoutMs }: OrderRequest): Command {
  if (manifest.execute.script_object) {
    throw new FleetError('script_unsupported', `jobs whose script is an object cannot be ordered yet: ${jobId}`);
  }
  const command = commandOf(manifest, { requestId: randomUUID(), execId: randomUUID() });
  return timeoutMs === undefined ? command : { ...command, timeout_secs: Math.max(1, Math.ceil(timeoutMs / 1000)) };
}

/** Machines compare an order's version with the approved one, so what is ordered must be approved. */
async function approve(fleet: Fleet, jobId: string, version: string): Promise<void> {
  const bucket = await openBucket(fleet, buckets.scriptCurrent);
  const approved = await readEntry(bucket, jobId);
  if (approved?.string() !== version) await bucket.put(jobId, version);
}

interface Publication {
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly messageId: string;
}

async function publish(fleet: Fleet, { subject, body, headers: given, messageId }: Publication): Promise<void> {
  const carried = headers();
  for (const [name, value] of Object.entries(given)) carried.set(name, value);
  try {
    await fleet.jetstream.publish(subject, body, { msgID: messageId, headers: carried });
  } catch (error) {
    // The catalogue answered just now, so JetStream is there: what nobody stores has no stream.
    if (!(error instanceof Error && error.name === 'JetStreamNotEnabled')) throw error;
    throw new FleetError('no_topology', 'no stream takes orders; run "kanade fleet setup" once', { cause: error });
  }
}

function checkTarget(target: Target): void {
  if (target.kind === 'pc') checkId('a pc id', target.pc);
  if (target.kind === 'group') checkId('a group', target.group);
}

function checkSize(fleet: Fleet, bytes: number, jobId: string): void {
  const maximum = fleet.connection.info?.max_payload ?? 1_048_576;
  if (bytes <= maximum) return;
  throw new FleetError(
    'too_large',
    `the order of ${jobId} is too large for the broker: ${bytes} bytes, at most ${maximum}`,
  );
}
