import * as z from 'zod';
import { amount } from './envelope.ts';
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
});
export type CompressionData = z.infer<typeof CompressionData>;
