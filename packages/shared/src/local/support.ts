import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

/** A right that a support code has opened for this person. The time is for display; the agent measures on its own clock. */
export const UnlockGrant = z.looseObject({ scope: z.string(), label: optional(z.string()), expires_at: Instant });
export type UnlockGrant = z.infer<typeof UnlockGrant>;

/** Ours. What would be sent to operators, as it would be, and until when it can be. */
export const DiagnosticsPreview = z.looseObject({
  /** Stands for these files: what is sent under it is what they are. */
  preview: z.string(),
  expires_at: Instant,
  files: z.array(z.looseObject({ name: z.string(), text: z.string(), size_bytes: z.int().nonnegative() })),
  size_bytes: z.int().nonnegative(),
});
export type DiagnosticsPreview = z.infer<typeof DiagnosticsPreview>;

/** Where the uploaded diagnostics are, and the ticket that was opened for them, if any. */
export const DiagnosticsResult = z.looseObject({
  object_key: z.string(),
  ticket_id: optional(z.string()),
  ticket_url: optional(z.string()),
  size_bytes: z.int().nonnegative(),
  /** Ours. The broker is away: they are kept, and sent when it is back. */
  queued: optional(z.boolean()),
});
export type DiagnosticsResult = z.infer<typeof DiagnosticsResult>;
