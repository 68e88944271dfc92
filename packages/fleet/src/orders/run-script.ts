import { randomUUID } from 'node:crypto';
import type { Retry, Shell, Target } from '@kanade/shared/fleet';
import { checkAllowed } from '../catalogue/read-approved.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import type { Signer } from '../keys/signer.ts';
import { checkTargets, type Order, publishOrder } from './publish-order.ts';

/** What runs without a job of the catalogue go by: the id that can be revoked, and a version that is never approved. */
export const adHoc = { id: 'adhoc-run', version: '0.0.0' } as const;

export interface ScriptRequest {
  readonly script: string;
  readonly shell: Shell;
  readonly targets: readonly Target[];
  /** How long the script may run, in ms. */
  readonly timeoutMs: number;
  /** Run again what exits with another code than 0 or takes too long. */
  readonly retry?: Retry | undefined;
  /** Machines that come to it later do not start it, ms since 1970: nobody would look any more. */
  readonly deadlineMs: number;
  /** Signs the order; without it machines that insist on signatures refuse it. */
  readonly signer?: Signer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Orders a script that is in no catalogue, as the system's user. Throws FleetError as `sendOrder` does. */
export async function runScript(fleet: Fleet, request: ScriptRequest): Promise<Order> {
  const { script, shell, targets, timeoutMs, retry, deadlineMs, signer, signal } = request;
  checkTargets(targets);
  await checkAllowed(fleet, adHoc.id, signal);
  const command = {
    ...adHoc,
    request_id: randomUUID(),
    exec_id: randomUUID(),
    shell,
    script,
    timeout_secs: Math.max(1, Math.ceil(timeoutMs / 1000)),
    ...(retry === undefined ? {} : { retry }),
    deadline_at: new Date(deadlineMs).toISOString(),
  };
  return publishOrder(fleet, command, { targets, signer, signal });
}
