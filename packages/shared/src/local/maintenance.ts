import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

/** Spelling → delay in ms. The first three are today's; the rest is how the earliest peers spelled them. */
const deferMs = { '15m': 900_000, '30m': 1_800_000, '1h': 3_600_000, m15: 900_000, m30: 1_800_000, h1: 3_600_000 };

/** What a newer peer's delay means here, in ms (fleet reference, section 3.0). */
const unknownDeferMs = 900_000;

/**
 * How long a person puts maintenance off. Kept as it was spelled, so that an old peer's request can be passed on; what
 * this version does not know reads as `unknown`. {@link deferDurationMs} says what any of them means.
 */
export const DeferDuration = z
  .string()
  .transform((text): keyof typeof deferMs | 'unknown' => (isDefer(text) ? text : 'unknown'))
  .meta({ enum: [...Object.keys(deferMs), 'unknown'] });
export type DeferDuration = z.infer<typeof DeferDuration>;

/** The delay in ms; 15 minutes for one that this version does not know. */
export const deferDurationMs = (duration: DeferDuration): number =>
  duration === 'unknown' ? unknownDeferMs : deferMs[duration];

const isDefer = (text: string): text is keyof typeof deferMs => Object.hasOwn(deferMs, text);

/** Maintenance that is coming. `deferable` is how the earliest agents spelled `deferrable`; read both with {@link isDeferrable}. */
export const MaintenanceItem = z.looseObject({
  schedule_id: z.string(),
  manifest_id: z.string(),
  display_name: z.string(),
  next_fire_at: Instant,
  deferrable: optional(z.boolean()),
  deferable: optional(z.boolean()),
});
export type MaintenanceItem = z.infer<typeof MaintenanceItem>;

/** May the person put it off? Not when the agent says nothing. */
export const isDeferrable = ({ deferrable, deferable }: MaintenanceItem): boolean => deferrable ?? deferable ?? false;
