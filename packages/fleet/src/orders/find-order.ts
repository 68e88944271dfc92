import { AuditRecord, auditSubject, commandSubject, streams } from '@kanade/shared/fleet';
import { jetstreamManager } from '@nats-io/jetstream';
import { checkId } from '../catalogue/bucket.ts';
import { type Fleet, requestTimeoutMsDefault } from '../connection/connect-fleet.ts';
import { abortable } from '../fault/abortable.ts';
import { isMissingStream, translate } from '../fault/translate.ts';
import type { Order } from './publish-order.ts';
import { targetOn, waitingOrders } from './waiting-orders.ts';

/** What the audit record of an order can be called. */
const orderActions = ['exec', 'run'] as const;

/**
 * An order by its exec id, from its audit record, or as it still waits for machines that are away. Undefined when the broker knows
 * of none. Throws FleetError.
 */
export async function findOrder(
  fleet: Fleet,
  execId: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<Order | undefined> {
  checkId('an exec id', execId);
  try {
    return (await abortable(fromAudit(fleet, execId), signal)) ?? (await fromWaiting(fleet, execId, signal));
  } catch (error) {
    throw translate(error, `looking for order ${execId}`, signal);
  }
}

async function fromAudit(fleet: Fleet, execId: string): Promise<Order | undefined> {
  const record = await readOrderRecord(fleet, execId);
  return record && orderIn(execId, record);
}

/** The audit record of an order. Others may write there too: what is none is nothing. */
export async function readOrderRecord(
  fleet: Fleet,
  execId: string,
  signal?: AbortSignal,
): Promise<AuditRecord | undefined> {
  const manager = await jetstreamManager(fleet.connection, { timeout: requestTimeoutMsDefault, checkAPI: false });
  for (const action of orderActions) {
    try {
      const asked = manager.streams.getMessage(streams.audit, { last_by_subj: auditSubject(action, execId) });
      const message = await abortable(asked, signal);
      const record = message && recordIn(message.string());
      if (record?.order) return record;
    } catch (error) {
      if (!isMissingStream(error)) throw error;
    }
  }
  return undefined;
}

function recordIn(text: string): AuditRecord | undefined {
  try {
    return AuditRecord.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // no JSON
  }
}

/** The order of which an audit record tells. */
function orderIn(execId: string, { order: note }: AuditRecord): Order | undefined {
  if (!note) return undefined;
  const { request_id: requestId, job_id: jobId, version, targets } = note;
  return {
    execId,
    requestId,
    jobId,
    version,
    targets,
    subjects: [...new Set(targets.map((target) => commandSubject(target, jobId)))],
    timeoutMs: note.timeout_secs * 1000,
    jitterMs: (note.jitter_secs ?? 0) * 1000,
    retry: note.retry,
    deadlineAt: note.deadline_at,
  };
}

async function fromWaiting(fleet: Fleet, execId: string, signal: AbortSignal | undefined): Promise<Order | undefined> {
  let found: Order | undefined;
  for await (const { subject, command } of waitingOrders(fleet, signal)) {
    const target = command.exec_id === execId ? targetOn(subject, command.id) : undefined;
    if (!target) continue;
    found = {
      execId,
      requestId: command.request_id,
      jobId: command.id,
      version: command.version,
      targets: [...(found?.targets ?? []), target],
      subjects: [...(found?.subjects ?? []), subject],
      timeoutMs: command.timeout_secs * 1000,
      jitterMs: (command.jitter_secs ?? 0) * 1000,
      retry: command.retry,
      deadlineAt: command.deadline_at,
    };
  }
  return found;
}
