import * as z from 'zod';

/** Timestamp of the job directory and the command line: UTC, whole seconds. */
export const WholeSecond = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, {
  error: 'must be a UTC time in whole seconds such as 2026-11-21T08:00:00Z',
});
export type WholeSecond = z.infer<typeof WholeSecond>;
