import { jobResponses, jobSchemaDocument } from '@kanade/shared/job';
import Schema from 'typebox/schema';
import { expect, it } from 'vitest';
import { malformedOf, samplesOf } from './frozen-corpus.ts';

interface Document {
  readonly definitions: Record<string, { properties?: Record<string, { enum?: string[] }>; allOf?: unknown[] }>;
}

const document = jobSchemaDocument() as unknown as Document;
const nameOf = (type: string): string =>
  `${type
    .split(/[._]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')}Response`;

/** A validator that knows nothing of zod. */
const accepts = (name: string, value: unknown): boolean =>
  Schema.Check({ $ref: `#/definitions/${name}`, definitions: document.definitions }, value);

it('there is a definition for every answer', () => {
  expect(Object.keys(document.definitions).sort()).toEqual(
    ['CompressionData', 'Envelope', ...Object.keys(jobResponses).map(nameOf)].sort(),
  );
});

it('WaitResponse has its own keys second, CompressionData has route and no auto', () => {
  expect(document.definitions.WaitResponse?.allOf?.[1]).toMatchObject({
    required: expect.arrayContaining(['job_id', 'state', 'stdout', 'stdout_range', 'stderr_total_bytes']),
    properties: { state: { enum: ['created', 'running', 'exited', 'killed', 'failed', 'unknown'] }, updated_at: {} },
  });
  const modes = document.definitions.CompressionData?.properties?.mode?.enum;
  expect([modes?.includes('route'), modes?.includes('auto')]).toEqual([true, false]);
});

const current = samplesOf('job').filter(({ type, name }) => type in document.definitions && !name.startsWith('0.1.18'));

it.each(current)('$name satisfies its JSON Schema and the whole document', ({ name, type, input }) => {
  // An editor's schema names the states there are; a reader takes newer ones.
  const isKnown = !name.includes('newer-version') || type === 'ErrorResponse';
  expect(accepts(type, input)).toBe(isKnown);
  if (type.endsWith('Response')) expect(Schema.Check(document as object, input)).toBe(isKnown);
});

const refused = malformedOf('job', 'bad').filter(({ type }) => type in document.definitions);

it.each(refused)('$name does not satisfy its JSON Schema', ({ type, input }) => {
  expect(accepts(type, input)).toBe(false);
});
