/** Whether a run may start: the gates, and the places for runs at the same time. */
import { bodyFault, buckets, type Command, parseHumantime } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import type { Refusal, Run } from '../run/model.ts';
import type { FleetView, JobStanding } from '../store/fleet-cache.ts';
import { isAddressed } from './admit.ts';

/** What the gates look at. */
export interface GateFacts extends JobStanding {
  readonly nowMs: number;
  readonly platform: NodeJS.Platform;
  /** What somebody here starts is what the catalogue holds: no pin. */
  readonly origin: 'fleet' | 'local';
  /** Where the order of a group came, when this machine is not in that group any more. */
  readonly leftGroup: string | undefined;
}

/** How a run came to its gates. */
export interface Arrived {
  readonly signal: AbortSignal;
  /** An earlier agent admitted it. */
  readonly isKnown: boolean;
  /** The subject of its order; undefined where damage or an older version left none. */
  readonly subject: string | undefined;
}

export type GateView = Pick<FleetView, 'about' | 'filters' | 'settled' | 'watch'>;

const { platform } = process;

/** What the gates look at, as it stands now. */
export function factsOf(view: GateView, { command, origin }: Run, { subject }: Arrived): GateFacts {
  const isOut = subject?.startsWith(groupOrders) && !isAddressed(subject, command.id, view.filters());
  return {
    ...view.about(command.id),
    nowMs: Date.now(),
    platform,
    origin,
    leftGroup: isOut ? subject : undefined,
  };
}

const groupOrders = 'commands.group.';

export interface Watch extends Disposable {
  /** Fires when the run may not start any more, or the signal that was given does. */
  readonly signal: AbortSignal;
  /** Why it may not; stays, whatever is allowed again later. */
  found(): Refusal | undefined;
}

/** Watches over a run that waits. Only what just changed is judged: the rest may be what was true before a connection was lost. */
export function watchOver(view: GateView, run: Run, given: Arrived): Watch {
  const { command } = run;
  const over = new AbortController();
  let refusal: Refusal | undefined;
  let timer: NodeJS.Timeout | undefined;
  const judge = (gate: Gate): void => {
    refusal ??= gate(command, factsOf(view, run, given));
    if (refusal) over.abort(new Error(refusal.message));
  };
  const unwatch = view.watch((bucket, key) => {
    const isOfJob = key === undefined || key === command.id;
    if (bucket === buckets.scriptStatus) isOfJob && judge(revoked);
    else if (bucket === buckets.scriptCurrent) isOfJob && judge(versionPin);
    else if (bucket === buckets.agentConfig) return;
    // Groups stand in two buckets: only what both say counts.
    else if (view.about(command.id).brokerAgeMs === 0) judge(membership);
  });
  // In steps: a clock that was set, or stood still while the machine slept, is noticed.
  const untilDeadline = (): void => {
    judge(overdue);
    const leftMs = Date.parse(command.deadline_at ?? '') - Date.now();
    if (!refusal) timer = setTimeout(untilDeadline, Math.min(Math.max(leftMs, 0) + 1, limits.deadlineLookMs)).unref();
  };
  if (command.deadline_at !== undefined) untilDeadline();
  const onAbort = (): void => over.abort(given.signal.reason);
  given.signal.addEventListener('abort', onAbort, { once: true });
  if (given.signal.aborted) onAbort();
  return {
    signal: over.signal,
    found: () => refusal,
    [Symbol.dispose]() {
      unwatch();
      clearTimeout(timer);
      given.signal.removeEventListener('abort', onAbort);
    },
  };
}

type Gate = (command: Command, facts: GateFacts) => Refusal | undefined;

/** The first gate that refuses a command. */
export const refuse: Gate = (command, facts) =>
  staleness(command, facts) ??
  versionPin(command, facts) ??
  revoked(command, facts) ??
  membership(command, facts) ??
  deadline(command, facts) ??
  capability(command, facts);

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

function versionPin({ id, version }: Command, { approvedVersion, origin }: GateFacts): Refusal | undefined {
  if (origin === 'local' || approvedVersion === undefined || approvedVersion === version) return undefined;
  return {
    gate: 'version_pin',
    message: `skipped: version-pin mismatch for ${id}: ordered ${version}, approved ${approvedVersion}`,
  };
}

function revoked({ id }: Command, { isRevoked }: GateFacts): Refusal | undefined {
  return isRevoked ? { gate: 'revoked', message: `skipped: ${id} is revoked` } : undefined;
}

/** An order of a group is for those who are in it when it starts. */
function membership(_: Command, { leftGroup }: GateFacts): Refusal | undefined {
  if (leftGroup === undefined) return undefined;
  return { gate: 'unsupported', message: `skipped: this machine is not in the group any more for ${leftGroup}` };
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

/** A deadline that passes ends the wait. What forbids the order as well is told in its stead, as at every gate, where that is known. */
const overdue: Gate = (command, facts) => {
  const late = deadline(command, facts);
  return late && facts.brokerAgeMs === 0 ? refuse(command, facts) : late;
};

/** What a command may ask for that this machine does not do is refused, never left out in silence. */
function capability(command: Command, { platform }: GateFacts): Refusal | undefined {
  const { run_as, finalize } = command;
  // Whether somebody is logged in is looked at right before the launch.
  const isServed = (as: Command['run_as']): boolean =>
    as === undefined || as === 'system' || (as === 'user' && platform === 'linux');
  const unserved = [run_as, finalize?.run_as].find((as) => !isServed(as));
  if (unserved) {
    return {
      gate: 'unsupported',
      message: `cannot run on this machine: run_as ${unserved} needs a console session, which the agent does not serve on ${platform}`,
    };
  }
  const fault = bodyFault(command);
  return fault === undefined ? undefined : { gate: 'no_exit_code', message: `not run: ${fault}` };
}

/** Places for runs at the same time, first come first served. */
export interface Slots {
  /** Resolves with a place, given back when disposed of. Rejects with the signal's reason on abort. */
  take(signal: AbortSignal): Promise<Disposable>;
  /** A place at once, beyond the number if need be: for what already runs. */
  occupy(): Disposable;
  /** So many places from now on. Who has one keeps it; what is new goes to those who wait, in the order in which they came. */
  resize(placesMax: number): void;
}

export function createSlots(placesFirst: number): Slots {
  let placesMax = placesFirst;
  let taken = 0;
  const waiting: (() => void)[] = [];

  function place(): Disposable {
    let given = false;
    return {
      [Symbol.dispose]() {
        if (given) return;
        given = true;
        // A place goes straight to the first who waits, so that a newcomer cannot overtake.
        const next = taken <= placesMax ? waiting.shift() : undefined;
        if (next) next();
        else taken--;
      },
    };
  }

  return {
    occupy() {
      taken++;
      return place();
    },
    resize(next) {
      placesMax = next;
      while (taken < placesMax && waiting.length > 0) {
        taken++;
        waiting.shift()?.();
      }
    },
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason);
      if (taken < placesMax) {
        taken++;
        return Promise.resolve(place());
      }
      return new Promise((resolve, reject) => {
        const onPlace = (): void => {
          signal.removeEventListener('abort', onAbort);
          resolve(place());
        };
        const onAbort = (): void => {
          waiting.splice(waiting.indexOf(onPlace), 1);
          reject(signal.reason);
        };
        signal.addEventListener('abort', onAbort, { once: true });
        waiting.push(onPlace);
      });
    },
  };
}
