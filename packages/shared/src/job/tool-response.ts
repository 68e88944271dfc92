/** Answers about the tool itself (contract, sections 3.0, 8.1, 9.2 and 9.3). */
import * as z from 'zod';
import { envelope } from './envelope.ts';
import { schemaVersion } from './words.ts';

/** Answer of `schema`. */
export const SchemaResponse = envelope('schema', {
  schema_format: z.literal('json-schema-draft-07'),
  schema: z.record(z.string(), z.unknown()),
  generated_at: z.string(),
});
export type SchemaResponse = z.infer<typeof SchemaResponse>;

export const InstallSkillsResponse = envelope('install_skills', {
  skills: z.array(z.looseObject({ name: z.string(), source_type: z.literal('embedded'), path: z.string() })),
  global: z.boolean(),
  lock_file_path: z.string(),
});
export type InstallSkillsResponse = z.infer<typeof InstallSkillsResponse>;

/** Answer of the health endpoint: the bare envelope. */
export const HealthResponse = envelope('health', {});
export type HealthResponse = z.infer<typeof HealthResponse>;

/** What is in `details` of `ambiguous_job_id`: at most 20 candidates, sorted. */
export const AmbiguityDetails = z.looseObject({ candidates: z.array(z.string()).max(20), truncated: z.boolean() });
export type AmbiguityDetails = z.infer<typeof AmbiguityDetails>;

/** The answer when it could not be done. `code` is one of `jobErrors`, or a newer one; `details` depends on it. */
export const ErrorResponse = z.looseObject({
  schema_version: z.literal(schemaVersion),
  ok: z.literal(false),
  type: z.literal('error'),
  error: z.looseObject({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    details: z.unknown().optional(),
  }),
});
export type ErrorResponse = z.infer<typeof ErrorResponse>;
