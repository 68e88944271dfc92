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

/** Whether the result may change the status of a check: no skip may, and of older agents no code of 122 to 127. */
export function countsForCheck({ exit_code, skipped }: Pick<ExecResult, 'exit_code' | 'skipped'>): boolean {
  return skipped === undefined ? exit_code < 122 || exit_code > 127 : !skipped;
}

/** Namespace of the UUIDv5 id below (RFC 9562, OID). */
export const uuidNamespaceOid = '6ba7b812-9dad-11d1-80b4-00c04fd430c8';
/** Name for the UUIDv5 of a refusal's result, so that re-deliveries fall on one row. */
export const refusalResultName = (requestId: string, pcId: string): string => `${requestId}|${pcId}|signature-refused`;
