import * as z from 'zod';

/**
 * A field that may be left out. `null` in it reads as left out, because peers whose language has no other word for nothing
 * write that (fleet reference, sections 3 and 3.9); it is never written. A field where null means something is `nullable()`.
 */
export function optional<S extends z.ZodType>(schema: S): z.ZodOptional<S> {
  const field = schema.optional();
  const { parse } = field._zod;
  // Not `z.preprocess`: that costs a compiled reader a call for each field that is there, half of a decode's time in all.
  // This one compiles to an ordinary optional field, and what compiled code refuses, null, comes to this parser.
  field._zod.parse = (payload, context) => {
    if (payload.value === null) payload.value = undefined;
    return parse(payload, context);
  };
  field._zod.run = field._zod.parse;
  return field;
}

/** A field with a default of its own, for which null stands, too. */
export const nullAsAbsent = <S extends z.ZodType>(schema: S): z.ZodPreprocess<S> =>
  z.preprocess((value) => (value === null ? undefined : value), schema);

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
