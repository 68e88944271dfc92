/** The one way in: from the bytes of an order, whichever door they came through, to a run on disk that is under way. */
import { createHash, randomUUID } from 'node:crypto';
import { type Command, createCommandReader, isToken, type Read } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { OpenRun, Run } from '../run/model.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Ledger } from '../store/ledger.ts';

/** An order as it came in. */
export interface IncomingOrder {
  /** Subject it came on; `local` for a click. */
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly origin: Run['origin'];
  readonly owner: string | null;
  /** Its place in the stream; undefined for what came live or from here. */
  readonly sequence?: number | undefined;
}

/** What became of an order. `full` must be delivered again: this machine cannot take it now. */
export type Admission =
  | { readonly kind: 'admitted'; readonly run: Run }
  | { readonly kind: 'duplicate'; readonly runId: string }
  | { readonly kind: 'conflict'; readonly requestId: string }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'not_addressed'; readonly jobId: string }
  | { readonly kind: 'full'; readonly reason: string };

export interface Intake {
  /**
   * Takes an order and starts its run; when this returns `admitted`, order and run are on disk. Throws when they cannot
   * be put there: the order then counts as not delivered.
   */
  admit(order: IncomingOrder): Admission;
  /**
   * Takes an order of the fleet: true when it is dealt with for good (run, known already, or refused with a line in the
   * log), false when it must be delivered again because it could not be put on disk. Never throws.
   */
  take(subject: string, bytes: Uint8Array, sequence?: number): boolean;
}

export interface IntakeOptions {
  readonly pcId: string;
  readonly view: Pick<FleetView, 'filters'>;
  readonly ledger: Ledger;
  /** Carries out what is admitted. */
  readonly begin: (open: OpenRun) => void;
  /** True while reporting is behind: nothing more is taken then. */
  readonly isBehind: () => boolean;
  readonly log: Logger;
}

export function createIntake({ pcId, view, ledger, begin, isBehind, log }: IntakeOptions): Intake {
  const readCommand = createCommandReader();

  function admit({ subject, bytes, origin, owner, sequence }: IncomingOrder): Admission {
    const read = readOrder(bytes, readCommand);
    if ('reason' in read) return { kind: 'malformed', reason: read.reason };
    const { command } = read;
    if (origin === 'fleet' && !isAddressed(subject, command.id, view.filters())) {
      return { kind: 'not_addressed', jobId: command.id };
    }
    if (isBehind()) return { kind: 'full', reason: 'endings of earlier runs wait for room on the disk' };
    const { request_id: requestId, exec_id: execId = null } = command;
    const run: Run = { runId: randomUUID(), pcId, requestId, execId, origin, owner, command };
    const fingerprint = createHash('sha256').update(bytes).digest('hex');
    const entry = ledger.admit(run, { subject, fingerprint, sequence });
    switch (entry.kind) {
      case 'admitted':
        begin(entry.open);
        return { kind: 'admitted', run };
      case 'duplicate':
        return entry;
      case 'conflict':
        return { kind: 'conflict', requestId };
      case 'full':
        return { kind: 'full', reason: 'this machine has taken as many orders as it can remember' };
    }
  }

  function take(subject: string, bytes: Uint8Array, sequence?: number): boolean {
    try {
      const admission = admit({ subject, bytes, origin: 'fleet', owner: null, sequence });
      report(log, admission, subject);
      return admission.kind !== 'full';
    } catch (error) {
      log.error({ err: error, subject }, 'order not taken: it could not be put on disk');
      return false;
    }
  }

  return { admit, take };
}

/** What became of an order of the fleet, in the log. */
function report(log: Logger, admission: Admission, subject: string): void {
  switch (admission.kind) {
    case 'admitted':
      return;
    case 'duplicate':
      log.debug({ subject, run_id: admission.runId }, 'order delivered again; it is known');
      return;
    case 'conflict':
      log.error(
        { subject, request_id: admission.requestId },
        'order refused: its request id was used with other content',
      );
      return;
    case 'not_addressed':
      log.warn({ subject, job_id: admission.jobId }, 'order dropped: it is meant for another machine');
      return;
    case 'malformed':
      log.warn({ subject, reason: admission.reason }, 'order dropped: it cannot be read');
      return;
    case 'full':
      log.error({ subject, reason: admission.reason }, 'order not taken: it is to be delivered again');
  }
}

/**
 * True when an order for `jobId` on this subject is meant for a machine that listens to `filters`. Behind the target
 * stands the job's id: where something else stands there, the order is for a machine or a group whose id has a dot.
 */
export function isAddressed(subject: string, jobId: string, filters: readonly string[]): boolean {
  return filters.some((filter) =>
    filter.endsWith('.>') ? subject === `${filter.slice(0, -1)}${jobId}` : subject === filter,
  );
}

function readOrder(
  bytes: Uint8Array,
  readCommand: (value: unknown) => Read<Command>,
): { command: Command } | { reason: string } {
  if (bytes.length > limits.commandBytesMax) {
    return { reason: `the order is ${bytes.length} bytes: the limit is ${limits.commandBytesMax}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return { reason: `not JSON: ${(error as Error).message}` };
  }
  const parsed = readCommand(value);
  if (!parsed.ok) {
    const faults = parsed.faults.map(({ path, message }) => `${path === '' ? 'order' : path}: ${message}`);
    return { reason: faults.join('; ') };
  }
  const { id, request_id, exec_id } = parsed.value;
  // The key under which a job is revoked: no key could ever stop one by another name.
  if (!isToken(id)) return { reason: `id is no job id: ${JSON.stringify(id)}` };
  // Both become part of the subjects that the report goes to.
  if (!isToken(request_id)) return { reason: `request_id cannot be answered: ${JSON.stringify(request_id)}` };
  if (typeof exec_id === 'string' && !isToken(exec_id))
    return { reason: `exec_id cannot be used: ${JSON.stringify(exec_id)}` };
  return { command: parsed.value };
}
