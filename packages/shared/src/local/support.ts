import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

/** A right that a support code has opened for this person. The time is for display; the agent measures on its own clock. */
export const UnlockGrant = z.looseObject({ scope: z.string(), label: optional(z.string()), expires_at: Instant });
export type UnlockGrant = z.infer<typeof UnlockGrant>;

/** Where the uploaded diagnostics are, and the ticket that was opened for them, if any. */
export const DiagnosticsResult = z.looseObject({
  object_key: z.string(),
  ticket_id: optional(z.string()),
  ticket_url: optional(z.string()),
  size_bytes: z.int().nonnegative(),
});
export type DiagnosticsResult = z.infer<typeof DiagnosticsResult>;
