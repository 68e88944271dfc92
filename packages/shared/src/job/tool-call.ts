/** What agents call over MCP: the arguments of each tool, and the JSON Schemas that a client is shown (contract, section 8.2). */
import * as z from 'zod';
import { askedTurn } from './asked-turn.ts';
import { jobResponses } from './response.ts';

/** A whole number that a peer may write as any JSON number; above 2^64 no peer means one. */
const whole = z
  .number()
  .nonnegative()
  .refine((value) => Number.isInteger(value) && value < 2 ** 64, { error: 'must be a whole number below 2^64' })
  .meta({ type: 'integer' });

const seconds = (text: string) => whole.describe(text);

const jobId = z.string().describe('id of the job, or its beginning where only one job begins so');

const cursor = z
  .string()
  .optional()
  .describe('cursor of an earlier answer: this one then has what came since, nothing lost and nothing repeated');

/** Arguments by tool. Unknown ones are refused. */
export const jobToolCalls = {
  run: z.strictObject({
    command: z
      .array(z.string())
      .describe('program and arguments, such as ["make", "test"]; one text alone is a line for the shell'),
    cwd: z.string().optional().describe('working directory (default: the one of the server)'),
    env: z.record(z.string(), z.string()).optional().describe('variables set on top of those of the server'),
    timeout: seconds('stop the job after so many seconds, 0 = never (default 0)').optional(),
    until: seconds('answer after so many seconds at the latest, while the job runs on').optional(),
    stdin: z.string().optional().describe('input of the job, as text; "-" is this character'),
    stdin_file: z
      .string()
      .optional()
      .describe('input of the job: path of a file that is local to the server, not to the client'),
    ...askedTurn,
  }),
  status: z.strictObject({ job_id: jobId }),
  tail: z.strictObject({
    job_id: jobId,
    lines: whole.optional().describe('lines per stream, 0 = no limit (default 50); not with cursor'),
    cursor,
    max_bytes: whole.optional().describe('bytes per stream (default 65536)'),
  }),
  wait: z.strictObject({
    job_id: jobId,
    until: seconds(
      'answer after so many seconds at the latest; the job runs on, and may be waited for again',
    ).optional(),
    cursor,
    match: z
      .string()
      .optional()
      .describe('answer as soon as a line of its output has this, looked for behind cursor; matched says which'),
    match_type: z.enum(['contains', 'regex']).optional().describe('how match is meant (default contains)'),
    stream: z.enum(['stdout', 'stderr', 'either']).optional().describe('where match is looked for (default either)'),
  }),
  kill: z.strictObject({ job_id: jobId }),
} as const;

export type JobTool = keyof typeof jobToolCalls;
export type JobToolCall<T extends JobTool> = z.infer<(typeof jobToolCalls)[T]>;

type Json = Record<string, unknown>;

/** What a client is shown of a tool: arguments, and answers of every kind. */
export interface JobToolSchemas {
  readonly inputSchema: Json & { type: 'object' };
  readonly outputSchema: Json & { type: 'object' };
}

/**
 * Both schemas of a tool. An answer is the envelope of `types`, the one of an error, or what is said of arguments that make no sense: so
 * nothing is required in it.
 */
export function jobToolSchemas(tool: JobTool, types: readonly (keyof typeof jobResponses)[]): JobToolSchemas {
  const { $schema: _, ...input } = schemaOf(jobToolCalls[tool]);
  const answers = types.map((type) => (schemaOf(jobResponses[type]) as { properties: Json }).properties);
  const { error: reason, ...properties } = Object.assign({}, ...answers) as Json;
  const { error: refusal } = (schemaOf(jobResponses.error) as { properties: Json }).properties;
  return {
    inputSchema: { ...input, type: 'object' },
    outputSchema: {
      type: 'object',
      properties: {
        ...properties,
        ok: { type: 'boolean', description: 'false: nothing but error is told' },
        type: { enum: [...types, 'error'] },
        error: reason === undefined ? refusal : { anyOf: [reason, refusal] },
        until_capped_at: {
          type: 'integer',
          description: 'seconds that were waited, fewer than asked for: the job goes on, call wait again',
        },
        isError: { type: 'boolean', description: 'true: the arguments make no sense, see message; nothing was done' },
        message: { type: 'string' },
      },
    },
  };
}

/** What hosts make of a schema differs: a pair is written as every draft of JSON Schema reads it, and nothing stands there that goes without saying. */
function schemaOf(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }) {
      delete jsonSchema.propertyNames;
      if (zodSchema._zod.def.type !== 'tuple') return;
      const items = (jsonSchema.prefixItems ?? []) as (typeof jsonSchema)[];
      delete jsonSchema.prefixItems;
      Object.assign(jsonSchema, { items: items[0], minItems: items.length, maxItems: items.length });
    },
  });
}
