import { randomUUID } from 'node:crypto';
import type { Command, Retry, Target } from '@kanade/shared/fleet';
import { commandOf, type Manifest } from '@kanade/shared/manifest';
import { readApproved } from '../catalogue/read-approved.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import type { Signer } from '../keys/signer.ts';
import { findScript } from '../scripts/find-script.ts';
import { checkTargets, type Order, publishOrder } from './publish-order.ts';

export interface OrderRequest {
  readonly jobId: string;
  /** At least one. A machine that several of them name runs the order once. */
  readonly targets: readonly Target[];
  /** How long the run may take, in ms, instead of what the manifest says; rounded up to whole seconds. */
  readonly timeoutMs?: number | undefined;
  /** Each machine waits for a random part of this before it starts, in ms; rounded up to whole seconds. */
  readonly jitterMs?: number | undefined;
  /** Run again, in the same place, what exits with another code than 0 or takes too long. */
  readonly retry?: Retry | undefined;
  /** Machines that come to it later than this do not start it, ms since 1970. */
  readonly deadlineMs?: number | undefined;
  /** Signs the order; without it machines that insist on signatures refuse it. */
  readonly signer?: Signer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Orders a job of the catalogue on machines, groups or all machines. Resolves when the broker has stored the order under each of
 * its targets; machines that are away get it later, the newest order of each job. Throws FleetError `job_not_found`,
 * `job_revoked`, `job_unserved`, `job_changed`, `no_topology`, `script_not_found`, `object_damaged`, `too_large` or `invalid_id`.
 */
export async function sendOrder(fleet: Fleet, request: OrderRequest): Promise<Order> {
  const { jobId, targets, signer, signal } = request;
  checkTargets(targets);
  const manifest = await readApproved(fleet, jobId, signal);
  const { script_object } = manifest.execute;
  const command = lower(manifest, request);
  if (!script_object) return publishOrder(fleet, command, { targets, signer, signal });
  // What runs is what stands there now, whatever is stored under that name later.
  const { sha256 } = await findScript(fleet, script_object, { jobId, signal });
  return publishOrder(fleet, { ...command, script_object_sha256: sha256 }, { targets, signer, signal });
}

function lower(manifest: Manifest, { timeoutMs, jitterMs, retry, deadlineMs }: OrderRequest): Command {
  const command = commandOf(manifest, { requestId: randomUUID(), execId: randomUUID() });
  return {
    ...command,
    ...(timeoutMs === undefined ? {} : { timeout_secs: wholeSecs(timeoutMs) }),
    ...(jitterMs === undefined ? {} : { jitter_secs: wholeSecs(jitterMs) }),
    ...(retry === undefined ? {} : { retry }),
    ...(deadlineMs === undefined ? {} : { deadline_at: new Date(deadlineMs).toISOString() }),
  };
}

const wholeSecs = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
