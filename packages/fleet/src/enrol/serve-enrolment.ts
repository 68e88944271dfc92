/** The issuer: answers machines that ask to be enrolled, one after the other, until it is told to end. */
import { type EnrolAnswer, enrolSubject } from '@kanade/shared/fleet';
import type { Msg } from '@nats-io/transport-node';
import { readStored } from '../config/stored-value.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';
import type { Signing } from './authority.ts';
import { type Issued, issue } from './issue.ts';
import { checkMode, tokenPlace } from './tokens.ts';

export interface EnrolmentOptions {
  /** What signs machines, from `readSigning(dir, 'agent')`. */
  readonly signing: Signing;
  /** It answers from now on. */
  onReady?(): void;
  /** Heard of each request that was answered. */
  onIssued?(issued: Issued): void;
  /** A request could not be carried out; whoever asked is told to ask again. */
  onFault?(fault: Error): void;
  /** Ends it; what it works on is answered first. */
  readonly signal: AbortSignal;
}

/** Requests that wait; beyond it they are not taken, and ask again. */
const waitingMax = 20_000;
/** Issuers of one fleet share the requests among them. */
const queue = 'issuers';

/**
 * Serves until `signal` fires. Several may serve one fleet, and each may be killed at any time. Throws FleetError `enrol_mode`,
 * `no_topology`, and what ends the connection.
 */
export async function serveEnrolment(fleet: Fleet, options: EnrolmentOptions): Promise<void> {
  const { signal, onReady, onFault } = options;
  checkMode(fleet);
  await checkBucket(fleet, signal);
  const requests = fleet.connection.subscribe(enrolSubject, { queue });
  const end = (): void => requests.unsubscribe();
  signal.addEventListener('abort', end, { once: true });
  try {
    await abortable(fleet.connection.flush(), signal);
    onReady?.();
    for await (const message of requests) {
      if (requests.getPending() > waitingMax) continue;
      await answer(fleet, message, options).catch((error: Error) => onFault?.(error));
      if (signal.aborted) return;
    }
  } finally {
    signal.removeEventListener('abort', end);
    requests.unsubscribe();
  }
}

/** Without the buckets nobody can be enrolled: said now, not to each machine. */
async function checkBucket(fleet: Fleet, signal: AbortSignal): Promise<void> {
  try {
    await readStored(fleet, tokenPlace('none'), signal);
  } catch (error) {
    throw translate(error, 'looking for tokens', signal);
  }
}

async function answer(fleet: Fleet, message: Msg, { signing, onIssued }: EnrolmentOptions): Promise<void> {
  const say = (said: EnrolAnswer): void => void message.respond(JSON.stringify(said));
  try {
    const issued = await issue(fleet, signing, message.data);
    say(issued.answer);
    onIssued?.(issued);
  } catch (error) {
    const fault = translate(error, 'enrolling a machine') as Error;
    say({ ok: false, code: 'enrol_failed', message: `it could not be done now, ask again: ${fault.message}` });
    throw fault;
  }
}
