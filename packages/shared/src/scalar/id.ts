import * as z from 'zod';
import { idLengthMax, isToken } from './words.ts';

/**
 * An id of the fleet: `isToken` says of what. NATS splits subjects at dots, so an id with a dot makes more than one token of a
 * subject; the fleet wire allows dots (fleet reference, section 2), so subjects are parsed from their known ends.
 */
export const Id = z
  .string()
  .refine(isToken, { error: `must be 1 to ${idLengthMax} of the characters A-Z a-z 0-9 _ . - (no dot at either end)` });
export type Id = z.infer<typeof Id>;
