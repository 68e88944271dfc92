import * as z from 'zod';
import { Instant } from '../scalar/time.ts';

/** A right that a support code has opened for this person. The time is for display; the agent measures on its own clock. */
export const UnlockGrant = z.looseObject({ scope: z.string(), label: z.string().optional(), expires_at: Instant });
export type UnlockGrant = z.infer<typeof UnlockGrant>;

/** Where the uploaded diagnostics are, and the ticket that was opened for them, if any. */
export const DiagnosticsResult = z.looseObject({
  object_key: z.string(),
  ticket_id: z.string().optional(),
  ticket_url: z.string().optional(),
  size_bytes: z.int().nonnegative(),
});
export type DiagnosticsResult = z.infer<typeof DiagnosticsResult>;
