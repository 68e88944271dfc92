import { AuditRecord, auditSubject, streams } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import type { Order } from '../orders/publish-order.ts';

/** Who did what; the time is that of the call. */
export interface AuditEntry extends Pick<AuditRecord, 'user' | 'host' | 'action' | 'about' | 'details'> {
  /** For an order: enough to find its results later. */
  readonly order?: Order | undefined;
}

/** Writes down what an operator did. Resolves when the broker has it. Throws FleetError, `no_topology` where nobody keeps it. */
export async function writeAudit(
  fleet: Fleet,
  { order, ...entry }: AuditEntry,
  { signal }: { signal?: AbortSignal } = {},
): Promise<void> {
  const record: AuditRecord = {
    at: new Date().toISOString(),
    ...entry,
    ...(order === undefined ? {} : { about: order.execId, order: noteOf(order) }),
  };
  try {
    const subject = auditSubject(record.action, record.about);
    await abortable(fleet.jetstream.publish(subject, JSON.stringify(AuditRecord.parse(record))), signal);
  } catch (error) {
    if (error instanceof Error && error.name === 'JetStreamNotEnabled') {
      const message = `nothing keeps audit records, stream ${streams.audit} is missing; run "kanade fleet setup" once`;
      throw new FleetError('no_topology', message, { cause: error });
    }
    throw translate(error, `recording ${record.action}`, signal);
  }
}

const noteOf = (order: Order): NonNullable<AuditRecord['order']> => ({
  request_id: order.requestId,
  job_id: order.jobId,
  version: order.version,
  targets: [...order.targets],
  timeout_secs: order.timeoutMs / 1000,
  ...(order.jitterMs > 0 ? { jitter_secs: order.jitterMs / 1000 } : {}),
  ...(order.retry === undefined ? {} : { retry: order.retry }),
  ...(order.deadlineAt === undefined ? {} : { deadline_at: order.deadlineAt }),
});
