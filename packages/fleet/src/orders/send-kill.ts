import { killSubject } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { translate } from '../fault/translate.ts';

/**
 * Tells every machine that runs this order now to stop it, with its children. Resolves when the broker has the word;
 * machines that are away do not hear it. An unknown or finished id is harmless.
 */
export async function sendKill(fleet: Fleet, execId: string, options: { signal?: AbortSignal } = {}): Promise<void> {
  checkId('an exec id', execId);
  // A flush waits for a broker that went away, for ever.
  const limit = AbortSignal.timeout(requestTimeoutMsDefault);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  try {
    fleet.connection.publish(killSubject(execId));
    await abortable(fleet.connection.flush(), signal);
  } catch (error) {
    throw translate(error, `killing ${execId}`, options.signal);
  }
}
