/** What holds for every type of an entry: its frozen documents, and documents made up from its schemas. */
import { type Read, readAs, strictAs } from '@kanade/shared/local';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { arbitraryOf } from './arbitrary.ts';
import { canonical, type Entry, malformedOf, samplesOf } from './frozen-corpus.ts';
import { fc } from './properties.ts';

export interface CorpusSuite {
  readonly entry: Entry;
  /** Type → schema, of every schema that the entry exports. */
  readonly schemas: Readonly<Record<string, z.ZodType>>;
  /** Types whose writers know more than the schema says. */
  readonly strict?: Readonly<Record<string, (value: unknown) => Read<unknown>>>;
}

/** The schemas among the exports of an entry. */
export function schemasOf(entry: Record<string, unknown>): Record<string, z.ZodType> {
  const schemas = Object.entries(entry).filter(([, value]) => typeof value === 'object' && value && '_zod' in value);
  return Object.fromEntries(schemas) as Record<string, z.ZodType>;
}

export function corpusSuite({ entry, schemas, strict = {} }: CorpusSuite): void {
  const schemaOf = (type: string): z.ZodType => {
    const schema = schemas[type];
    if (!schema) throw new Error(`the corpus has documents of ${type}, which @kanade/shared/${entry} does not export`);
    return schema;
  };

  it('every type has a frozen document', () => {
    const covered = new Set(samplesOf(entry).map(({ type }) => type));
    expect(Object.keys(schemas).filter((type) => !covered.has(type))).toEqual([]);
  });

  it.each(samplesOf(entry))('$name is written as it was read', ({ type, input, written }) => {
    const read = readAs(schemaOf(type), input);
    expect(read).toMatchObject({ ok: true });
    expect(canonical(read.ok && read.value)).toBe(canonical(written));
  });

  it.each(malformedOf(entry, 'bad'))('$name is refused by readers', ({ type, input, faults }) => {
    expect(readAs(schemaOf(type), input)).toEqual({ ok: false, faults });
  });

  it.each(malformedOf(entry, 'strict'))('$name is refused by writers', ({ type, input, faults }) => {
    const read = strict[type] ?? ((value: unknown) => strictAs(schemaOf(type), value));
    expect(read(input)).toEqual({ ok: false, faults });
  });

  describe('made-up documents', () => {
    it.each(Object.entries(schemas))('%s is written as it was read, unknown keys included', (_type, schema) => {
      fc.assert(
        fc.property(arbitraryOf(schema), (value) => {
          const document = JSON.parse(JSON.stringify(value)) as unknown;
          expect(canonical(schema.parse(document))).toBe(canonical(document));
        }),
        { numRuns: 40 },
      );
    });
  });
}
