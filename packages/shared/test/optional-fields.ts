/** Every optional field of a type, on a frozen document of that type. */
import type * as z from 'zod';
import { type Entry, samplesOf } from './frozen-corpus.ts';

export interface OptionalField {
  readonly type: string;
  readonly key: string;
  readonly schema: z.ZodType;
  readonly document: object;
  /** What is read when the field is not there. */
  readonly without: unknown;
}

/** Fields that may be absent, but for those in which null is a value of its own. */
export function optionalFields(schemas: Readonly<Record<string, z.ZodType>>, entry: Entry): OptionalField[] {
  return Object.entries(schemas).flatMap(([type, schema]) => {
    const { shape } = schema as unknown as { shape?: Record<string, z.ZodType> };
    const sample = samplesOf(entry).find((one) => one.type === type)?.input;
    if (!shape || typeof sample !== 'object' || sample === null) return [];
    return Object.entries(shape)
      .filter(([, field]) => field._zod.optin === 'optional' && field.safeParse(null).data !== null)
      .map(([key]) => {
        const { [key]: _, ...document } = sample as Record<string, unknown>;
        return { type, key, schema, document, without: schema.parse(document) };
      });
  });
}

/** The document with null in the field, read and written again. */
export const readWithNull = ({ schema, document, key }: OptionalField): unknown =>
  JSON.parse(JSON.stringify(schema.parse({ ...document, [key]: null })));
