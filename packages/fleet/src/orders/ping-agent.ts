import { Heartbeat, pingSubject, type Read, readAs } from '@kanade/shared/fleet';
import { type Msg, TimeoutError } from '@nats-io/transport-node';
import { checkId } from '../catalogue/bucket.ts';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { isNoResponders, translate } from '../fault/translate.ts';

export interface PingOptions {
  /** How long the machine may take to answer, in ms. Default 5,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Asks a machine for a sign of life; undefined when none came. */
export async function pingAgent(fleet: Fleet, pc: string, options: PingOptions = {}): Promise<Heartbeat | undefined> {
  checkId('a pc id', pc);
  try {
    const answer = await abortable(ask(fleet, pc, options.timeoutMs ?? requestTimeoutMsDefault), options.signal);
    return answer && decodeHeartbeat(answer);
  } catch (error) {
    throw translate(error, `pinging ${pc}`, options.signal);
  }
}

async function ask(fleet: Fleet, pc: string, timeout: number): Promise<Msg | undefined> {
  try {
    return await fleet.connection.request(pingSubject(pc), undefined, { timeout });
  } catch (error) {
    if (isNoResponders(error) || error instanceof TimeoutError) return undefined;
    throw error;
  }
}

/** Throws FleetError `broker_failed` when the message is no heartbeat. */
function decodeHeartbeat(message: Msg): Heartbeat {
  const parsed = readHeartbeat(message);
  if (parsed) return parsed;
  throw new FleetError(
    'broker_failed',
    `the answer on ${message.subject} is no heartbeat: ${message.string().slice(0, 200)}`,
  );
}

/** The heartbeat in a message; undefined when it holds something else. `read` may be a compiled reader. */
export const readHeartbeat = (
  message: Msg,
  read: (value: unknown) => Read<Heartbeat> = (value) => readAs(Heartbeat, value),
): Heartbeat | undefined => readMessage(message, read);

/** What a reader makes of a message; undefined when it holds something else. */
export function readMessage<T>(message: Msg, read: (value: unknown) => Read<T>): T | undefined {
  try {
    const value = read(message.json());
    return value.ok ? value.value : undefined;
  } catch {
    return undefined; // not JSON: the same answer as JSON of another shape
  }
}
