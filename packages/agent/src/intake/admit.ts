import { createHash, randomUUID } from 'node:crypto';
import { type Command, decodeCommand, faultsOf, isToken } from '@kanade/shared/fleet';
import { limits } from '../limits.ts';
import type { Run } from '../run/run.ts';
import type { RunRows } from '../run/run-rows.ts';
import type { StateDb } from '../state-db.ts';

/** An order as it came in, whichever door it came through. */
export interface Delivery {
  /** Subject it came on; `local` for a click. */
  readonly subject: string;
  readonly bytes: Uint8Array;
  readonly origin: Run['origin'];
  readonly owner: string | null;
  /** Says whether an order for this job, on this subject, is meant for this machine; default yes. */
  readonly isMeant?: (jobId: string) => boolean;
}

/** What became of an order. Only `admitted` is to be run; `full` must not be acknowledged. */
export type Admission =
  | { readonly kind: 'admitted'; readonly run: Run }
  | { readonly kind: 'duplicate'; readonly runId: string }
  | { readonly kind: 'conflict'; readonly requestId: string }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'not_addressed'; readonly jobId: string }
  | { readonly kind: 'full' };

export type Admit = (delivery: Delivery) => Admission;

/**
 * The one way in. When this returns `admitted`, order and run are on disk. Throws when the database cannot be written:
 * the order then counts as not delivered.
 */
export function createAdmit({ db, rows, pcId }: { db: StateDb; rows: RunRows; pcId: string }): Admit {
  return ({ subject, bytes, origin, owner, isMeant }) => {
    const decoded = decode(bytes);
    if ('reason' in decoded) return { kind: 'malformed', reason: decoded.reason };
    const { command } = decoded;
    if (isMeant?.(command.id) === false) return { kind: 'not_addressed', jobId: command.id };
    const fingerprint = createHash('sha256').update(bytes).digest('hex');
    const requestId = command.request_id;
    return db.transact((): Admission => {
      const known = db.database
        .prepare('SELECT fingerprint, run_id FROM admission WHERE pc_id = ? AND request_id = ?')
        .get(pcId, requestId);
      if (known) {
        return known.fingerprint === fingerprint
          ? { kind: 'duplicate', runId: known.run_id as string }
          : { kind: 'conflict', requestId };
      }
      const held = Number(db.database.prepare('SELECT count(*) AS held FROM admission').get()?.held);
      if (held >= limits.admissionsMax) return { kind: 'full' };
      const run: Run = {
        runId: randomUUID(),
        pcId,
        requestId,
        execId: command.exec_id ?? null,
        origin,
        owner,
        command,
      };
      db.database
        .prepare(
          `INSERT INTO admission (pc_id, request_id, fingerprint, subject, body, run_id, admitted_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(pcId, requestId, fingerprint, subject, Buffer.from(JSON.stringify(command)), run.runId, Date.now());
      rows.insert(run);
      return { kind: 'admitted', run };
    });
  };
}

function decode(bytes: Uint8Array): { command: Command } | { reason: string } {
  if (bytes.length > limits.commandBytesMax) {
    return { reason: `the order is ${bytes.length} bytes: the limit is ${limits.commandBytesMax}` };
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    return { reason: `not JSON: ${(error as Error).message}` };
  }
  const parsed = decodeCommand(value);
  if (!parsed.success) {
    const faults = faultsOf(parsed.error).map(({ path, message }) => `${path === '' ? 'order' : path}: ${message}`);
    return { reason: faults.join('; ') };
  }
  // Both become part of the subjects that the report goes to.
  const { request_id, exec_id } = parsed.data;
  if (!isToken(request_id)) return { reason: `request_id cannot be answered: ${JSON.stringify(request_id)}` };
  if (typeof exec_id === 'string' && !isToken(exec_id))
    return { reason: `exec_id cannot be used: ${JSON.stringify(exec_id)}` };
  return { command: parsed.data };
}
