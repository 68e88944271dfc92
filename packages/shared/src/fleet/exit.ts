import type { ExecResult } from './report.ts';

/**
 * Exit codes that the agent makes up, because no process returned one. `skipped` is the flag that marks a policy skip:
 * real scripts exit 126 and 127 too, so readers go by the flag (fleet reference, section 4.10).
 */
export const syntheticExits = {
  staleness: { code: 127, skipped: true, meaning: 'strict staleness exceeded' },
  revoked: { code: 126, skipped: true, meaning: 'script status is REVOKED' },
  deadline: { code: 125, skipped: true, meaning: 'starting deadline passed' },
  version_pin: { code: 124, skipped: true, meaning: 'version differs from the approved one' },
  rejected: { code: 123, skipped: false, meaning: 'provenance refused while enforcing' },
  unsupported: { code: 122, skipped: true, meaning: 'this machine cannot run it as asked' },
  outcome_unknown: { code: 121, skipped: false, meaning: 'agent restarted during execution; outcome unknown' },
  no_exit_code: { code: -1, skipped: false, meaning: 'killed, timed out or never started' },
} as const;
export type SyntheticExit = keyof typeof syntheticExits;

/** What a result says about its run: done, failed, or not started because of a policy. */
export type ResultVerdict = 'succeeded' | 'failed' | 'skipped';

/** Goes by the flag; without it (older agents) every non-zero code is a failure (fleet reference, section 3.4). */
export function verdictOf({ exit_code, skipped }: Pick<ExecResult, 'exit_code' | 'skipped'>): ResultVerdict {
  if (skipped === true) return 'skipped';
  return exit_code === 0 ? 'succeeded' : 'failed';
}

/** The manifest id of what cleans up after a job: it has a result of its own, whose `parent_result_id` names that of the job. */
export const finalizeOf = (jobId: string): string => `${jobId}__finalize`;

/** Whether the result may change the status of a check: no skip may, and of older agents no code of 122 to 127. */
export function countsForCheck({ exit_code, skipped }: Pick<ExecResult, 'exit_code' | 'skipped'>): boolean {
  return skipped === undefined ? exit_code < 122 || exit_code > 127 : !skipped;
}

/** Namespace of the UUIDv5 id below (RFC 9562, OID), as bytes. */
const uuidNamespaceOid = [
  0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8,
];

/**
 * Result id of a refused order on one machine: the UUIDv5 of both, so that refusals of deliveries of the same order fall on one row.
 * A refusal is recognised by that id and {@link syntheticExits}`.rejected`. `sha1` hashes bytes to 20 bytes.
 */
export function refusalResultId(requestId: string, pcId: string, sha1: (bytes: Uint8Array) => Uint8Array): string {
  const name = new TextEncoder().encode(`${requestId}|${pcId}|signature-refused`);
  const id = sha1(Uint8Array.from([...uuidNamespaceOid, ...name])).slice(0, 16);
  id[6] = ((id[6] ?? 0) & 0x0f) | 0x50;
  id[8] = ((id[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...id].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
