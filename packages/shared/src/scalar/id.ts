import * as z from 'zod';

/** Longest id accepted anywhere, in characters: it becomes one subject token, one KV key and one file name (255 bytes). */
export const idLengthMax = 128;

const token = /^[A-Za-z0-9_.-]+$/;

/** True when the text may stand as one subject token, KV key or file name: `[A-Za-z0-9_.-]`, no `.` or `..`, no edge or double dots. */
export function isToken(text: string): boolean {
  return (
    text.length > 0 &&
    text.length <= idLengthMax &&
    token.test(text) &&
    !text.startsWith('.') &&
    !text.endsWith('.') &&
    !text.includes('..')
  );
}

/**
 * True when the text may stand as one *subject token*. NATS splits subjects at dots, so an id with a dot makes more
 * than one token; the fleet wire allows dots (fleet reference, section 2), so subjects are parsed from their known ends.
 */
export const Id = z
  .string()
  .refine(isToken, { error: `must be 1 to ${idLengthMax} of the characters A-Z a-z 0-9 _ . - (no dot at either end)` });
export type Id = z.infer<typeof Id>;
