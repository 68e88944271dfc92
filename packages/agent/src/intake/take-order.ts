import type { Logger } from '../logger.ts';
import type { RunCommand } from '../run/run-command.ts';
import { isAddressed } from './addressed.ts';
import type { Admit } from './admit.ts';

export interface TakeOrderOptions {
  readonly admit: Admit;
  readonly runCommand: RunCommand;
  /** The filters this machine listens to right now. */
  readonly filters: () => readonly string[];
  readonly log: Logger;
}

/**
 * Takes an order of the fleet: true when it is dealt with for good (run, known already, or refused with a line in the
 * log), false when it must be delivered again because it could not be put on disk.
 */
export function createTakeOrder({
  admit,
  runCommand,
  filters,
  log,
}: TakeOrderOptions): (subject: string, bytes: Uint8Array) => boolean {
  return (subject, bytes) => {
    try {
      const admission = admit({
        subject,
        bytes,
        origin: 'fleet',
        owner: null,
        isMeant: (jobId) => isAddressed(subject, jobId, filters()),
      });
      switch (admission.kind) {
        case 'admitted':
          runCommand.start(admission.run);
          return true;
        case 'duplicate':
          log.debug({ subject, run_id: admission.runId }, 'order delivered again; it is known');
          return true;
        case 'conflict':
          log.error(
            { subject, request_id: admission.requestId },
            'order refused: its request id was used with other content',
          );
          return true;
        case 'not_addressed':
          log.warn({ subject, job_id: admission.jobId }, 'order dropped: it is meant for another machine');
          return true;
        case 'malformed':
          log.warn({ subject, reason: admission.reason }, 'order dropped: it cannot be read');
          return true;
        case 'full':
          log.error({ subject }, 'order not taken: the admission ledger is full');
          return false;
      }
    } catch (error) {
      log.error({ err: error, subject }, 'order not taken: it could not be put on disk');
      return false;
    }
  };
}
