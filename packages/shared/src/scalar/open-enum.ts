import * as z from 'zod';

/**
 * An enum that newer peers may extend: a value this version does not know reads as `"unknown"` and is written as
 * `"unknown"`, and never makes the containing message fail (fleet reference, section 3.0).
 */
export function openEnum<const V extends readonly string[]>(
  values: V,
): z.ZodPipe<z.ZodString, z.ZodTransform<V[number] | 'unknown', string>> {
  const known: ReadonlySet<string> = new Set(values);
  return z.string().transform((text): V[number] | 'unknown' => (known.has(text) ? text : 'unknown'));
}
