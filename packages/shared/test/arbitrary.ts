/** Values that a schema must accept, made from the schema itself. Every object may also carry keys nobody knows. */

import type * as z from 'zod';
import { fc } from './properties.ts';

interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly items?: readonly z.ZodType[];
  readonly shape?: Record<string, z.ZodType>;
  readonly entries?: Record<string, string>;
  readonly values?: readonly unknown[];
}

const unknownKey = fc.stringMatching(/^x_[a-z]{1,6}$/);
const instants = fc.constantFrom('2026-11-21T08:00:00Z', '2026-01-01T00:00:00.123456Z', '2026-11-21T17:00:00+09:00');
const wholeSeconds = fc.constantFrom('2026-11-21T08:00:00Z', '1999-12-31T23:59:59Z');

export function arbitraryOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  const definition = schema._zod.def as unknown as Definition;
  const named = schema.meta()?.enum;
  if (Array.isArray(named)) return fc.constantFrom(...named);
  switch (definition.type) {
    case 'string':
      return textOf(schema as z.ZodString);
    case 'number':
      return numberOf(schema as z.ZodNumber);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'unknown':
      return fc.jsonValue();
    case 'literal':
      return fc.constantFrom(...(definition.values ?? []));
    case 'enum':
      return fc.constantFrom(...Object.values(definition.entries ?? {}));
    case 'array':
      return fc.array(arbitraryOf(part(definition.element)), { minLength: 1, maxLength: 3 });
    case 'tuple':
      return fc.tuple(...(definition.items ?? []).map(arbitraryOf));
    case 'record':
      return fc.dictionary(fc.stringMatching(/^[a-z$]{1,8}$/), arbitraryOf(part(definition.valueType)), { maxKeys: 3 });
    case 'union':
      return fc.oneof(...(definition.options ?? []).map(arbitraryOf));
    case 'nullable':
      return fc.option(arbitraryOf(part(definition.innerType)), { nil: null });
    case 'optional':
      return arbitraryOf(part(definition.innerType));
    case 'pipe':
      if (definition.in?._zod.def.type === 'transform') return arbitraryOf(part(definition.out)); // an optional field
      return fc.constant('unknown'); // an open enum: the one value that surely comes back as it went in
    case 'object':
      return objectOf(definition.shape ?? {});
    default:
      throw new Error(`no values for a schema of type ${definition.type}: teach arbitraryOf()`);
  }
}

function objectOf(shape: Record<string, z.ZodType>): fc.Arbitrary<unknown> {
  const fields = Object.fromEntries(Object.entries(shape).map(([key, field]) => [key, arbitraryOf(field)]));
  const requiredKeys = Object.keys(shape).filter((key) => shape[key]?._zod.optin !== 'optional');
  return fc
    .tuple(fc.record(fields, { requiredKeys }), fc.dictionary(unknownKey, fc.jsonValue(), { maxKeys: 2 }))
    .map(([known, unknown]) => ({ ...unknown, ...known }));
}

function textOf(schema: z.ZodString): fc.Arbitrary<string> {
  if (schema.safeParse('').success) return fc.string({ unit: 'binary', maxLength: 20 });
  return schema.safeParse('2026-11-21T17:00:00+09:00').success ? instants : wholeSeconds;
}

function numberOf(schema: z.ZodNumber): fc.Arbitrary<number> {
  const isWhole = !schema.safeParse(1.5).success;
  const min = [-1_000_000, 0, 1].find((least) => schema.safeParse(least).success) ?? 0;
  return isWhole
    ? fc.integer({ min, max: Number.MAX_SAFE_INTEGER })
    : fc.double({ min, noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));
}

function part(schema: z.ZodType | undefined): z.ZodType {
  if (!schema) throw new Error('a schema without its inner schema: teach arbitraryOf()');
  return schema;
}
