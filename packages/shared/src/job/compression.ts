import * as z from 'zod';
import { amount, range } from './envelope.ts';
import { compressionModes } from './words.ts';

/**
 * A shorter view of the excerpts in the same answer (contract, section 7.7); the raw fields stay as they are.
 * `detected_kind` and `strategy` are open vocabularies. Not `applied`: both texts are empty and the strategy says why.
 * The `original` sizes are those of the whole logs.
 */
export const CompressionData = z.looseObject({
  mode: z.enum(compressionModes),
  applied: z.boolean(),
  detected_kind: z.string(),
  stdout: z.string(),
  stderr: z.string(),
  stdout_original_bytes: amount,
  stderr_original_bytes: amount,
  stdout_compressed_bytes: amount,
  stderr_compressed_bytes: amount,
  omitted: z.boolean(),
  strategy: z.array(z.string()),
  /** Ours: which lines of the log the view leaves out, how many errors are among them, and the call that prints them. */
  left_out: z
    .array(
      z.looseObject({
        stream: z.enum(['stdout', 'stderr']),
        range,
        lines: amount,
        error_lines: amount,
        get: z.string().optional(),
      }),
    )
    .optional(),
});
export type CompressionData = z.infer<typeof CompressionData>;
