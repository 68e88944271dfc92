/** Whether an order comes from somebody this machine obeys, before it is taken and again before it starts: the key ring's word on its bytes and headers. */
import {
  type Command,
  createCommandReader,
  type Headers,
  type ObsKind,
  type Read,
  readBody,
  verifyCommand,
  withDeadline,
} from '@kanade/shared/fleet';
import type { Delivery, Refusal, Run } from '../run/model.ts';
import type { Ledger } from '../store/ledger.ts';
import type { KeyRing, KeyRingHolder } from './key-ring.ts';

/** What is reported of a signature, `obs.<pc_id>`. */
export interface SignatureEvent {
  readonly kind: ObsKind;
  readonly reason?: string;
  readonly kid?: string;
}

export type Judgement =
  | {
      readonly kind: 'accepted';
      readonly command: Command;
      /** What is to be reported: of a good signature only where the key says so. */
      readonly event: SignatureEvent | undefined;
    }
  | {
      readonly kind: 'refused';
      /** The order, where a result can say that it was refused; undefined for an envelope, of which only the event tells. */
      readonly command: Command | undefined;
      readonly reason: string;
      readonly event: SignatureEvent | undefined;
    }
  /** No command at all. */
  | { readonly kind: 'undecodable'; readonly reason: string };

export interface ReceivedOrder {
  readonly body: Uint8Array;
  readonly headers: Headers;
}

export interface JudgeOptions {
  readonly pcId: string;
  /** When it was received, ms since 1970. */
  readonly nowMs: number;
  readonly readCommand: (value: unknown) => Read<Command>;
}

/** Judges an order of the fleet by the ring as it stands. */
export function judge(order: ReceivedOrder, ring: KeyRing, options: JudgeOptions): Judgement {
  if (ring.kind === 'held') return verified(order, ring, options);
  const body = readBody(order.body);
  const command = body.form === 'legacy' ? options.readCommand(body.value) : undefined;
  if (ring.kind === 'absent' && command?.ok) return { kind: 'accepted', command: command.value, event: undefined };
  if (body.form === 'envelope') {
    const reason =
      ring.kind === 'locked'
        ? lockedReason(ring.reason)
        : 'an envelope cannot be verified: this machine has no key ring';
    return { kind: 'refused', command: undefined, reason, event: { kind: 'command_signature_invalid', reason } };
  }
  if (!command?.ok || ring.kind === 'absent') return { kind: 'undecodable', reason: 'the body is no command' };
  const reason = lockedReason(ring.reason);
  return { kind: 'refused', command: command.value, reason, event: { kind: 'command_signature_invalid', reason } };
}

const lockedReason = (why: string): string => `the key ring of this machine cannot be relied upon: ${why}`;

function verified(order: ReceivedOrder, ring: KeyRing & { kind: 'held' }, options: JudgeOptions): Judgement {
  const verification = verifyCommand(order, ring.keys, options);
  if (verification.ok) {
    const { command, startDeadlineMs, policy, kid, event: kind } = verification;
    const event = policy.auditEveryUse ? { kind, kid, reason: `signed with ${policy.label}` } : undefined;
    return { kind: 'accepted', command: withDeadline(command, startDeadlineMs), event };
  }
  const { refuse, reason, command, event: kind } = verification;
  if (refuse === 'drop') return { kind: 'undecodable', reason };
  const event = kind && { kind, reason };
  if (refuse === 'enforcing' && !ring.enforcing && command) return { kind: 'accepted', command, event };
  return { kind: 'refused', command, reason, event };
}

export interface VerifierOptions {
  readonly pcId: string;
  readonly ring: KeyRingHolder;
  readonly ledger: Pick<Ledger, 'receivedOf'>;
  /** Tells the fleet what its signature was found to be. */
  readonly onEvent: (kind: ObsKind, payload: object) => void;
}

/** A run of the fleet starts only when its order is obeyed at its receipt and still is when it starts. */
export interface Verifier {
  /** `plain`: the command of an order that is no envelope, where it was read already. */
  check(delivery: Delivery, plain: Command | undefined): Judgement;
  /**
   * Why a run that was taken may no longer start: its key went, or the ring insists now. Judged by the ring as it stands, and by the
   * age that the order had when it came; its deadline is another gate.
   */
  again(run: Run): Refusal | undefined;
}

export function createVerifier({ pcId, ring, ledger, onEvent }: VerifierOptions): Verifier {
  /** By which ring a command was found good. */
  const found = new WeakMap<Command, KeyRing>();
  let reader: JudgeOptions['readCommand'] | undefined; // a machine without a ring needs none

  function judged(delivery: Delivery, nowMs: number): Judgement {
    reader ??= createCommandReader();
    const judgement = judge({ body: delivery.bytes, headers: delivery.headers }, ring.current, {
      pcId,
      nowMs,
      readCommand: reader,
    });
    if (judgement.kind !== 'undecodable' && judgement.event) {
      const { kind, ...event } = judgement.event;
      onEvent(kind, { subject: delivery.subject, ...event });
    }
    return judgement;
  }

  return {
    check(delivery, plain) {
      const by = ring.current;
      const judgement: Judgement =
        by.kind === 'absent' && plain
          ? { kind: 'accepted', command: plain, event: undefined }
          : judged(delivery, Date.now());
      if (judgement.kind === 'accepted') found.set(judgement.command, by);
      return judgement;
    },
    again({ runId, origin, command }) {
      const by = ring.current;
      if (origin === 'local' || found.get(command) === by) return undefined;
      const received = ledger.receivedOf(runId);
      const reason = received ? reasonAgainst(judged(received.delivery, received.atMs)) : reasonWithout(by);
      if (reason !== undefined) return { gate: 'rejected', message: `refused: ${reason}` };
      found.set(command, by);
      return undefined;
    },
  };
}

const reasonAgainst = (judgement: Judgement): string | undefined =>
  judgement.kind === 'accepted' ? undefined : judgement.reason;

/** An order of which the bytes are gone cannot be verified. */
function reasonWithout(ring: KeyRing): string | undefined {
  if (ring.kind === 'locked') return lockedReason(ring.reason);
  return ring.kind === 'held' && ring.enforcing ? 'the order as it was received is not kept any more' : undefined;
}
