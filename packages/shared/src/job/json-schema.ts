import * as z from 'zod';
import { CompressionData } from './compression.ts';
import { jobResponses } from './response.ts';
import { schemaVersion } from './words.ts';

type Json = Record<string, unknown>;

/** Keys that every answer has. */
const envelopeKeys: readonly string[] = ['schema_version', 'ok', 'type'];

/**
 * The answers of the command line as one JSON Schema, draft 07. Each has a definition named after its schema, such as
 * `WaitResponse`: the envelope first, its own keys second. Unknown keys are allowed everywhere.
 */
export function jobSchemaDocument(): Json {
  const responses = Object.entries(jobResponses).map(([type, schema]) => [
    nameOfAnswer(type),
    responseSchema(type, schema),
  ]);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Answers of the kanade command line',
    oneOf: responses.map(([name]) => ({ $ref: `#/definitions/${name}` })),
    definitions: {
      Envelope: {
        type: 'object',
        properties: {
          schema_version: { type: 'string', const: schemaVersion },
          ok: { type: 'boolean' },
          type: { type: 'string' },
        },
        required: envelopeKeys,
      },
      CompressionData: jsonSchemaOf(CompressionData),
      ...Object.fromEntries(responses),
    },
  };
}

/** Name of the definition of an answer: `notify.set` is in `NotifySetResponse`. */
export function nameOfAnswer(type: string): string {
  const words = type.split(/[._]/).map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Response`;
}

function responseSchema(type: string, schema: z.ZodType): Json {
  const { properties, required } = jsonSchemaOf(schema) as { properties: Json; required: string[] };
  const own = Object.entries(properties).filter(([key]) => !envelopeKeys.includes(key));
  const shown = own.map(([key, value]) =>
    key === 'compression' ? [key, { $ref: '#/definitions/CompressionData' }] : [key, value],
  );
  return {
    allOf: [
      { $ref: '#/definitions/Envelope' },
      {
        type: 'object',
        properties: {
          ok: { const: type !== 'error' },
          type: { const: type },
          ...Object.fromEntries(shown),
        },
        required: required.filter((key) => !envelopeKeys.includes(key)),
      },
    ],
  };
}

function jsonSchemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-07', io: 'input', unrepresentable: 'any' });
  return rest;
}
