/** Answers of the calls that make or start a job (contract, sections 3.1 to 3.4). */
import * as z from 'zod';
import { CompressionData } from './compression.ts';
import { AnsweredState, amount, Excerpts, envelope, logPaths, range, reason, turn } from './envelope.ts';

const launched = {
  job_id: z.string(),
  state: AnsweredState,
  tags: z.array(z.string()),
  env_vars: z.array(z.string()).optional(),
  ...logPaths,
  elapsed_ms: amount,
  waited_ms: amount,
  ...Excerpts.shape,
  /** Ours: where what it tells ends, and bytes before it that are not kept. */
  cursor: z.string().optional(),
  stdout_omitted: range.optional(),
  stderr_omitted: range.optional(),
  exit_code: z.int().optional(),
  finished_at: z.string().optional(),
  signal: z.string().optional(),
  signal_number: z.int().optional(),
  duration_ms: z.number().optional(),
  compression: CompressionData.optional(),
  ...reason,
  ...turn,
};

/** Answer of `run`, and of the exec endpoint. `signal` is the name of the signal (its number in older versions), `signal_number` its number. */
export const RunResponse = envelope('run', launched);
export type RunResponse = z.infer<typeof RunResponse>;

/** Answer of `start`: as `run`. */
export const StartResponse = envelope('start', launched);
export type StartResponse = z.infer<typeof StartResponse>;

/** Answer of `restart`: as `run`. */
export const RestartResponse = envelope('restart', launched);
export type RestartResponse = z.infer<typeof RestartResponse>;

export const CreateResponse = envelope('create', {
  job_id: z.string(),
  state: z.literal('created'),
  ...logPaths,
  ...turn,
});
export type CreateResponse = z.infer<typeof CreateResponse>;
