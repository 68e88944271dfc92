import * as z from 'zod';

type NullAsAbsent<S extends z.ZodType> = z.ZodPreprocess<S>;

/**
 * A field that may be left out. `null` in it reads as left out, because peers whose language has no other word for nothing
 * write that (fleet reference, sections 3 and 3.9); it is never written. A field where null means something is `nullable()`.
 */
export const optional = <S extends z.ZodType>(schema: S): z.ZodOptional<NullAsAbsent<z.ZodOptional<S>>> =>
  nullAsAbsent(schema.optional()).optional();

/** A field with a default of its own, which null stands for, too. */
export const nullAsAbsent = <S extends z.ZodType>(schema: S): NullAsAbsent<S> =>
  z.preprocess((value) => (value === null ? undefined : value), schema);
