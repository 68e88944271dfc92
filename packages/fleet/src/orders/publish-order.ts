import { type Command, commandSubject, type Retry, type Target } from '@kanade/shared/fleet';
import { headers } from '@nats-io/transport-node';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import type { Signer } from '../keys/signer.ts';
import { type Provenance, packOrder } from './pack-order.ts';

/** An order that the broker has stored. */
export interface Order {
  /** What `sendKill` takes. */
  readonly execId: string;
  /** What `followResults` takes; every machine that runs the order answers under it. */
  readonly requestId: string;
  readonly jobId: string;
  readonly version: string;
  readonly targets: readonly Target[];
  /** Where it is stored, one for each target. */
  readonly subjects: readonly string[];
  /** How long each run may take, in ms. */
  readonly timeoutMs: number;
  /** The longest random wait before a run starts, in ms. */
  readonly jitterMs: number;
  /** How often each run is tried again when it fails, and after which pause. */
  readonly retry?: Retry | undefined;
  /** The latest instant to start; absent = any. */
  readonly deadlineAt?: string | undefined;
  /** How it was signed; undefined for one without a signature, and for one that was looked up. */
  readonly provenance?: Provenance | undefined;
}

interface PublishOptions {
  readonly targets: readonly Target[];
  readonly signer?: Signer | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores one command under each of its targets. Whoever gets it twice knows its request id and runs it once. Throws FleetError
 * `no_topology` or `too_large`; when a later target fails the message names those that have it.
 */
export async function publishOrder(
  fleet: Fleet,
  command: Command,
  { targets, signer, signal }: PublishOptions,
): Promise<Order> {
  const bySubject = new Map(targets.map((target) => [commandSubject(target, command.id), target]));
  // What is sealed for one machine differs from what its group gets, and one request id must not stand for two contents.
  const canSeal = targets.every(({ kind }) => kind === 'pc');
  const packing = [...bySubject].map(async ([subject, target]) => ({
    subject,
    ...(await packOrder(fleet, command, { target: canSeal ? target : { kind: 'all' }, signer, signal })),
  }));
  const packed = await Promise.all(packing);
  for (const { body } of packed) checkSize(fleet, body.byteLength, command.id);
  const provenance = merged(packed.map((each) => each.provenance));
  const stored: string[] = [];
  for (const { subject, body, headers: signature } of packed) {
    try {
      const messageId = stored.length === 0 ? command.request_id : `${command.request_id} ${subject}`;
      await abortable(publish(fleet, { subject, body, headers: signature, messageId }), signal);
      stored.push(subject);
    } catch (error) {
      const before = stored.length === 0 ? '' : ` (order ${command.exec_id} stands on ${stored.join(', ')})`;
      throw translate(error, `ordering ${command.id} on ${subject}${before}`, signal);
    }
  }
  return {
    execId: command.exec_id ?? '',
    requestId: command.request_id,
    jobId: command.id,
    version: command.version,
    targets,
    subjects: stored,
    timeoutMs: command.timeout_secs * 1000,
    jitterMs: (command.jitter_secs ?? 0) * 1000,
    ...(command.retry === undefined ? {} : { retry: command.retry }),
    ...(command.deadline_at === undefined ? {} : { deadlineAt: command.deadline_at }),
    ...(provenance === undefined ? {} : { provenance }),
  };
}

/** What holds for all machines of an order. */
function merged([first, ...others]: readonly (Provenance | undefined)[]): Provenance | undefined {
  if (!first) return undefined;
  return others.reduce<Provenance>(({ kid, protocol, isTrusted, mayNotAsk }, other) => {
    const trusts = [isTrusted, other?.isTrusted];
    return {
      kid,
      protocol: other?.protocol === protocol ? protocol : 'legacy',
      isTrusted: trusts.includes(false) ? false : trusts.includes(undefined) ? undefined : true,
      mayNotAsk: mayNotAsk || other?.mayNotAsk,
    };
  }, first);
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

/** Throws FleetError `invalid_id` for a target that cannot become part of a subject, RangeError for no target at all. */
export function checkTargets(targets: readonly Target[]): void {
  if (targets.length === 0) throw new RangeError('an order needs at least one target: none given');
  for (const target of targets) {
    if (target.kind === 'pc') checkId('a pc id', target.pc);
    if (target.kind === 'group') checkId('a group', target.group);
  }
}

function checkSize(fleet: Fleet, bytes: number, jobId: string): void {
  const maximum = fleet.connection.info?.max_payload ?? 1_048_576;
  if (bytes <= maximum) return;
  throw new FleetError(
    'too_large',
    `the order of ${jobId} is too large for the broker: ${bytes} bytes, at most ${maximum}`,
  );
}
