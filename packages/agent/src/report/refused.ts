/** The result of an order that was refused before it became a run: by its signature, or because this machine is locked. Pure. */
import { createHash } from 'node:crypto';
import { type Command, type ExecResult, refusalResultId } from '@kanade/shared/fleet';
import type { Run } from '../run/model.ts';
import { endOf } from './end-of.ts';
import { resultOf } from './report.ts';

/**
 * Exit code 123, with an id that is the same for each delivery of the order on this machine. Its request id is not taken: who sends
 * the order again, signed as it should be, is heard.
 */
export function refusedResult(
  command: Command,
  { pcId, reason }: { pcId: string; reason: string },
  nowMs: number,
): ExecResult {
  const { request_id: requestId, exec_id: execId = null } = command;
  const runId = refusalResultId(requestId, pcId, (bytes) => createHash('sha1').update(bytes).digest());
  const run: Run = { runId, pcId, requestId, execId, origin: 'fleet', owner: null, command };
  const refusal = { gate: 'rejected', message: `refused: ${reason}` } as const;
  return resultOf(run, endOf(run, { kind: 'refused', refusal }, nowMs));
}
