/** The one way in: from the bytes of an order, whichever door they came through, to a run on disk that is under way. */
import { createHash, randomUUID } from 'node:crypto';
import { type Command, createCommandReader, isToken, type Read, readBody } from '@kanade/shared/fleet';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { Delivery, OpenRun, Refusal, Run } from '../run/model.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import type { Arrival, Entry, Ledger } from '../store/ledger.ts';
import type { Judgement, Verifier } from './verify.ts';

/** What became of an order. `full` must be delivered again: this machine cannot take it now. */
export type Admission =
  | { readonly kind: 'admitted'; readonly run: Run }
  | { readonly kind: 'duplicate'; readonly runId: string }
  | { readonly kind: 'conflict'; readonly requestId: string }
  /** It cannot be run; `isTold`: whoever sent it gets a result that says why. */
  | { readonly kind: 'malformed'; readonly reason: string; readonly isTold: boolean }
  /** This machine does not obey who sent it; its request id stays free. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly isTold: boolean }
  | { readonly kind: 'not_addressed'; readonly jobId: string }
  | { readonly kind: 'full'; readonly reason: string };

export interface Intake {
  /**
   * Takes an order and starts its run; when this returns `admitted`, order and run are on disk. Throws when they cannot
   * be put there: the order then counts as not delivered. `owner`: who clicked; null for an order of the fleet.
   */
  admit(delivery: Delivery, owner: string | null): Admission;
  /**
   * Takes orders of the fleet, those of one call in as few commits as can be: true when all are dealt with for good (run, known
   * already, or refused with a result, an event or a line in the log), false when one must be delivered again because it could
   * not be put on disk. Never throws.
   */
  take(deliveries: readonly Delivery[]): boolean;
}

export interface IntakeOptions {
  readonly pcId: string;
  readonly view: Pick<FleetView, 'filters'>;
  readonly ledger: Pick<Ledger, 'admit' | 'isTaken' | 'together'>;
  readonly verifier: Pick<Verifier, 'check'>;
  /** Answers an order that is not obeyed. */
  readonly reject: (command: Command, reason: string) => void;
  /** Answers an order that is never run. */
  readonly refuse: (run: Run, arrival: Arrival, refusal: Refusal) => Entry;
  /** Carries out what is admitted. */
  readonly begin: (open: OpenRun) => void;
  /** True while reporting is behind: nothing more is taken then. */
  readonly isBehind: () => boolean;
  /** Tells the fleet what no result tells. */
  readonly onEvent: (
    kind: 'command_admission_conflict' | 'command_admission_unavailable' | 'command_dropped',
    payload: object,
  ) => void;
  readonly log: Logger;
}

/** read → verify → admit. What is admitted goes on through its gates, see `gates.ts`. */
export function createIntake(options: IntakeOptions): Intake {
  const { pcId, view, ledger, verifier, begin, isBehind } = options;
  const readCommand = createCommandReader();

  function admit(delivery: Delivery, owner: string | null, onAdmitted: IntakeOptions['begin']): Admission {
    const origin = delivery.subject === 'local' ? 'local' : 'fleet';
    const read = readOrder(delivery.bytes, readCommand);
    if ('reason' in read) return refuseUnread(options, delivery, read);
    const { jobId } = read;
    if (origin === 'fleet' && !isAddressed(delivery.subject, jobId, view.filters()))
      return { kind: 'not_addressed', jobId };
    const plain = read.command;
    const judgement =
      origin === 'local' && plain ? ({ kind: 'accepted', command: plain } as const) : verifier.check(delivery, plain);
    if (judgement.kind !== 'accepted') return turnAway(options, delivery, judgement);
    const { command } = judgement;
    const fault = plain ? undefined : nameFault(command);
    if (fault !== undefined) return refuseUnread(options, delivery, { reason: fault, about: answerable(command) });
    if (isBehind()) return { kind: 'full', reason: behind };
    const { request_id: requestId, exec_id: execId = null } = command;
    const run: Run = { runId: randomUUID(), pcId, requestId, execId, origin, owner, command };
    const entry = ledger.admit(run, arrivalOf(delivery));
    switch (entry.kind) {
      case 'admitted':
        onAdmitted(entry.open);
        return { kind: 'admitted', run };
      case 'duplicate':
        return entry;
      case 'conflict':
        return { kind: 'conflict', requestId };
      case 'full':
        return { kind: 'full', reason: 'this machine has taken as many orders as it can remember' };
    }
  }

  return { admit: (delivery, owner) => admit(delivery, owner, begin), take: createTake(options, admit) };
}

const behind =
  'endings of earlier runs cannot be written down: the disk is full, or too many results wait for the broker';

type Admit = (delivery: Delivery, owner: string | null, onAdmitted: IntakeOptions['begin']) => Admission;

function createTake(options: IntakeOptions, admit: Admit): Intake['take'] {
  const { ledger, begin, log, onEvent } = options;
  let isUnavailable = false;

  /** Said once, until an order is taken again: what is not taken comes again all the time. */
  function noteUnavailable(subject: string, reason: string): void {
    if (!isUnavailable) onEvent('command_admission_unavailable', { subject, reason });
    isUnavailable = true;
  }

  function told(admission: Admission, subject: string): void {
    if (admission.kind === 'full') noteUnavailable(subject, admission.reason);
    else if (admission.kind === 'admitted') isUnavailable = false;
    report(options, admission, subject);
  }

  function takeOne(delivery: Delivery): boolean {
    const { subject } = delivery;
    try {
      const admission = admit(delivery, null, begin);
      told(admission, subject);
      return admission.kind !== 'full';
    } catch (error) {
      log.error({ err: error, subject }, 'order not taken: it could not be put on disk');
      noteUnavailable(subject, 'it could not be put on disk');
      return false;
    }
  }

  /** Nothing is begun or told before it is on disk. Undefined when nothing could be put there. */
  function takeTogether(deliveries: readonly Delivery[]): boolean | undefined {
    let admitted: OpenRun[] = [];
    let taken: { subject: string; admission: Admission }[] = [];
    try {
      ledger.together(deliveries, () => {
        admitted = [];
        const note = (open: OpenRun): void => void admitted.push(open);
        taken = deliveries.map((delivery) => ({ ...delivery, admission: admit(delivery, null, note) }));
      });
    } catch {
      return undefined; // each is tried alone then, and says what is wrong with it
    }
    for (const open of admitted) begin(open);
    for (const { admission, subject } of taken) told(admission, subject);
    return taken.every(({ admission }) => admission.kind !== 'full');
  }

  return (deliveries) => {
    let isDone = true;
    for (let from = 0; from < deliveries.length; from += limits.admittedTogetherMax) {
      const some = deliveries.slice(from, from + limits.admittedTogetherMax);
      const areTaken = some.length > 1 ? takeTogether(some) : undefined;
      isDone = (areTaken ?? some.map(takeOne).every(Boolean)) && isDone;
    }
    return isDone;
  };
}

const arrivalOf = (delivery: Delivery): Arrival => ({
  ...delivery,
  fingerprint: createHash('sha256').update(delivery.bytes).digest('hex'),
});

/** An order that is not obeyed is answered, except where its answer would stand beside that of a run: it was taken when it first came. */
function turnAway(
  { pcId, ledger, reject }: IntakeOptions,
  delivery: Delivery,
  judgement: Exclude<Judgement, { kind: 'accepted' }>,
): Admission {
  const { reason } = judgement;
  if (judgement.kind === 'undecodable') return { kind: 'malformed', reason, isTold: false };
  const { command } = judgement;
  if (!command) return { kind: 'rejected', reason, isTold: false };
  const { request_id: requestId } = command;
  if (ledger.isTaken(pcId, requestId, arrivalOf(delivery).fingerprint)) return { kind: 'duplicate', runId: '' };
  reject(command, reason);
  return { kind: 'rejected', reason, isTold: true };
}

/** An order that cannot be run is answered where it says to whom, unless its request id is known already. */
function refuseUnread({ pcId, view, refuse }: IntakeOptions, delivery: Delivery, unread: Unread): Admission {
  const { reason, about } = unread;
  const malformed = { kind: 'malformed', reason, isTold: false } as const;
  if (!about || !isAddressed(delivery.subject, about.id, view.filters())) return malformed;
  const { id, requestId, execId } = about;
  const command: Command = { id, version: '', request_id: requestId, shell: 'sh', script: '', timeout_secs: 0 };
  const run: Run = { runId: randomUUID(), pcId, requestId, execId, origin: 'fleet', owner: null, command };
  const entry = refuse(run, arrivalOf(delivery), { gate: 'no_exit_code', message: `not run: ${reason}` });
  if (entry.kind === 'conflict') return { kind: 'conflict', requestId };
  if (entry.kind === 'duplicate') return entry;
  return { ...malformed, isTold: entry.kind === 'admitted' };
}

/** What became of an order of the fleet, in the log and, where nothing else tells, as an event. */
function report({ log, onEvent }: IntakeOptions, admission: Admission, subject: string): void {
  switch (admission.kind) {
    case 'admitted':
      return;
    case 'duplicate':
      log.debug({ subject, run_id: admission.runId }, 'order delivered again; it is known');
      return;
    case 'conflict': {
      const { requestId: request_id } = admission;
      log.error({ subject, request_id }, 'order refused: its request id was used with other content');
      onEvent('command_admission_conflict', { subject, request_id });
      return;
    }
    case 'rejected':
      log.warn({ subject, reason: admission.reason }, 'order refused: this machine does not obey who sent it');
      return;
    case 'not_addressed':
      log.warn({ subject, job_id: admission.jobId }, 'order dropped: it is meant for another machine');
      return;
    case 'malformed': {
      const { reason, isTold } = admission;
      log.warn({ subject, reason }, isTold ? 'order refused: it cannot be read' : 'order dropped: it cannot be read');
      if (!isTold) onEvent('command_dropped', { subject, reason });
      return;
    }
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

/** An order that cannot be run: why, and, where that can be read, whom to answer. */
interface Unread {
  readonly reason: string;
  readonly about: { readonly id: string; readonly requestId: string; readonly execId: string | null } | undefined;
}

/** An order that can be read; of an envelope only for which job it seems to be: what it says counts when it is verified. */
interface ReadOrder {
  readonly jobId: string;
  readonly command: Command | undefined;
}

function readOrder(bytes: Uint8Array, readCommand: (value: unknown) => Read<Command>): ReadOrder | Unread {
  if (bytes.length > limits.unreadBytesMax) {
    return { reason: `the order is ${bytes.length} bytes: the limit is ${limits.commandBytesMax}`, about: undefined };
  }
  const body = readBody(bytes);
  if (body.form === 'unreadable') return { reason: 'not JSON', about: undefined };
  // A kind that we do not know never makes it one of those without.
  const isEnvelope = body.form === 'envelope';
  const about = answerable(isEnvelope ? (body.value.command ?? body.value) : body.value);
  if (bytes.length > limits.commandBytesMax) {
    return { reason: `the order is ${bytes.length} bytes: the limit is ${limits.commandBytesMax}`, about };
  }
  if (isEnvelope) return { jobId: about?.id ?? '', command: undefined };
  const parsed = readCommand(body.value);
  if (!parsed.ok) {
    const faults = parsed.faults.map(({ path, message }) => `${path === '' ? 'order' : path}: ${message}`);
    return { reason: faults.join('; '), about };
  }
  const fault = nameFault(parsed.value);
  return fault === undefined ? { jobId: parsed.value.id, command: parsed.value } : { reason: fault, about };
}

function nameFault({ id, request_id, exec_id }: Command): string | undefined {
  // The key under which a job is revoked: no key could ever stop one by another name.
  if (!isToken(id)) return `id is no job id: ${shown(id)}`;
  // Both become part of the subjects that the report goes to.
  if (!isToken(request_id)) return `request_id cannot be answered: ${shown(request_id)}`;
  if (typeof exec_id === 'string' && !isToken(exec_id)) return `exec_id cannot be used: ${shown(exec_id)}`;
  return undefined;
}

/** Whom to answer, as far as a value says so that may be anything. */
function answerable(value: unknown): Unread['about'] {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, request_id, exec_id, job_id } = value as Record<string, unknown>;
  const token = (text: unknown): string | undefined => (typeof text === 'string' && isToken(text) ? text : undefined);
  const requestId = token(request_id);
  if (requestId === undefined) return undefined;
  return { id: token(id) ?? '', requestId, execId: token(exec_id) ?? token(job_id) ?? null };
}

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 100);
