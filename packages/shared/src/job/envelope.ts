/** What the answers of the command line share. */
import * as z from 'zod';
import { openEnum } from '../scalar/field.ts';
import { JobDependency } from './record.ts';
import { jobStates, schemaVersion } from './words.ts';

/** A number of bytes, milliseconds or things. */
export const amount = z.int().nonnegative();

/** A state in an answer. One that this version does not know reads as `unknown`, which older programs print too. */
export const AnsweredState = openEnum(jobStates).meta({ enum: [...jobStates, 'unknown'] });
export type AnsweredState = z.infer<typeof AnsweredState>;

/** Bytes `[begin, end)` of a log. */
export const range = z.tuple([amount, amount]);

/** What was cut out of the two logs: text (invalid UTF-8 became U+FFFD), where it stood, and how much there is. */
export const Excerpts = z.looseObject({
  stdout: z.string(),
  stderr: z.string(),
  encoding: z.literal('utf-8-lossy'),
  stdout_range: range,
  stderr_range: range,
  stdout_total_bytes: amount,
  stderr_total_bytes: amount,
});
export type Excerpts = z.infer<typeof Excerpts>;

export const logPaths = { stdout_log_path: z.string(), stderr_log_path: z.string() };

/** Why a job ended as it did: the kind of ending, who asked for it, what went wrong. Ours; each only where it is known. */
export const reason = {
  ending: z.string().optional(),
  ended_by: z.string().optional(),
  error: z.string().optional(),
};

/** Where a job stands that takes its turn. Ours: `queue` and `after` as it is defined, `position` and `waits_for` while it waits. */
export const turn = {
  queue: z.string().optional(),
  position: z.int().positive().optional(),
  after: z.array(JobDependency).optional(),
  waits_for: z.array(z.string()).optional(),
};

/** The envelope of an answer, with the payload flattened into it. */
export function envelope<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return z.looseObject({
    schema_version: z.literal(schemaVersion),
    ok: z.literal(true),
    type: z.literal(type),
    ...shape,
  });
}
