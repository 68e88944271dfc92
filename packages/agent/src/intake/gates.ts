import { type Command, parseHumantime } from '@kanade/shared/fleet';
import type { Refusal, Run } from '../run/model.ts';
import type { FleetView, JobStanding } from '../store/fleet-cache.ts';

/** What the gates look at. */
export interface GateFacts extends JobStanding {
  readonly nowMs: number;
  readonly platform: NodeJS.Platform;
  /** Orders of this machine's own catalogue are current by definition: no pin, no staleness. */
  readonly origin: 'fleet' | 'local';
}

/** Why a run may not start now; undefined when it may. Asked at receipt and again right before the launch. */
export type Gates = (run: Run) => Refusal | undefined;

export const createGates =
  (view: Pick<FleetView, 'about'>): Gates =>
  ({ command, origin }) =>
    refuse(command, { ...view.about(command.id), nowMs: Date.now(), platform: process.platform, origin });

/** The first gate that refuses a command. */
export function refuse(command: Command, facts: GateFacts): Refusal | undefined {
  return (
    (facts.origin === 'fleet' ? staleness(command, facts) : undefined) ??
    (facts.origin === 'fleet' ? versionPin(command, facts) : undefined) ??
    revoked(command, facts) ??
    deadline(command, facts) ??
    capability(command, facts)
  );
}

function staleness({ staleness: policy }: Command, { brokerAgeMs }: GateFacts): Refusal | undefined {
  if (policy?.mode !== 'strict') return undefined;
  // A duration that cannot be read counts as zero: fail closed.
  const maxMs = parseHumantime(policy.max_cache_age) ?? 0;
  if (brokerAgeMs <= maxMs) return undefined;
  const age = Number.isFinite(brokerAgeMs) ? `last contact ${Math.round(brokerAgeMs / 1000)}s ago` : 'no contact yet';
  return {
    gate: 'staleness',
    message: `skipped: staleness policy (mode=strict) exceeded: ${age}, max_cache_age ${policy.max_cache_age}`,
  };
}

function versionPin({ id, version }: Command, { approvedVersion }: GateFacts): Refusal | undefined {
  if (approvedVersion === undefined || approvedVersion === version) return undefined;
  return {
    gate: 'version_pin',
    message: `skipped: version-pin mismatch for ${id}: ordered ${version}, approved ${approvedVersion}`,
  };
}

function revoked({ id }: Command, { isRevoked }: GateFacts): Refusal | undefined {
  return isRevoked ? { gate: 'revoked', message: `skipped: ${id} is revoked` } : undefined;
}

/** Inclusive: a start exactly at the deadline is in time. */
function deadline({ deadline_at }: Command, { nowMs }: GateFacts): Refusal | undefined {
  if (deadline_at === undefined || nowMs <= Date.parse(deadline_at)) return undefined;
  const lateSecs = Math.max(1, Math.round((nowMs - Date.parse(deadline_at)) / 1000));
  return {
    gate: 'deadline',
    message: `skipped: starting deadline expired ${lateSecs}s ago (deadline ${deadline_at}, received ${new Date(nowMs).toISOString()})`,
  };
}

function capability({ run_as, script_object }: Command, { platform }: GateFacts): Refusal | undefined {
  // Whether somebody is logged in is looked at right before the launch.
  const isServed = run_as === 'user' && platform === 'linux';
  if ((run_as === 'user' || run_as === 'system_gui') && !isServed) {
    return {
      gate: 'unsupported',
      message: `cannot run on this machine: run_as ${run_as} needs a console session, which the agent does not serve on ${platform}`,
    };
  }
  if (script_object !== undefined && script_object !== '') {
    return {
      gate: 'no_exit_code',
      message: `not run: script objects cannot be fetched yet: ${script_object}; use an inline script`,
    };
  }
  return undefined;
}
