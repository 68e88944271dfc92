import * as z from 'zod';
import { parseHumantime } from './words.ts';

/** An instant as RFC 3339 text. Kept as text so that what was read is written back byte for byte. */
export const Instant = z.iso.datetime({
  offset: true,
  error: ({ code }) =>
    code === 'invalid_format' ? 'must be an RFC 3339 time such as 2026-11-21T08:00:00Z' : undefined,
});
export type Instant = z.infer<typeof Instant>;

/** A humantime duration, kept as the text that was written. */
export const Humantime = z.string().refine((text) => parseHumantime(text) !== undefined, {
  error: 'must be a duration such as 30s, 10m or 1h 30m',
});
export type Humantime = z.infer<typeof Humantime>;
