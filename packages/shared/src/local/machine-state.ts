import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

/** One health check. `troubleshoot` is the id of a job that may help; `health_hidden` is left out when false. */
export const Check = z.looseObject({
  name: z.string(),
  label: optional(z.string()),
  status: z.enum(['ok', 'warn', 'fail', 'unknown']),
  detail: optional(z.string()),
  troubleshoot: optional(z.string()),
  health_hidden: optional(z.boolean()),
});
export type Check = z.infer<typeof Check>;

/** What the machine knows of itself; `online` means connected to the broker. Early agents also said `vpn`, always `unknown`. */
export const StateSnapshot = z.looseObject({
  pc_id: z.string(),
  online: z.boolean(),
  checks: z.array(Check),
  agent_version: z.string(),
  target_version: z.string(),
  vpn: optional(z.string()),
});
export type StateSnapshot = z.infer<typeof StateSnapshot>;

/** A full snapshot: the reader replaces what it has, it does not merge. */
export const StateChanged = z.looseObject({ snapshot: StateSnapshot, at: Instant });
export type StateChanged = z.infer<typeof StateChanged>;
