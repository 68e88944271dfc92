import * as z from 'zod';

/** Which output lines fire a match, and where it goes. Matches are tried per line, `contains` is case-sensitive. */
export const OutputMatch = z.looseObject({
  pattern: z.string(),
  match_type: z.enum(['contains', 'regex']),
  stream: z.enum(['stdout', 'stderr', 'either']),
  command: z.string().optional(),
  file: z.string().optional(),
});
export type OutputMatch = z.infer<typeof OutputMatch>;

/** Where the end of a job and its matching lines are told (contract, section 6.1). */
export const JobNotification = z.looseObject({
  notify_command: z.string().optional(),
  notify_file: z.string().optional(),
  on_output_match: OutputMatch.optional(),
});
export type JobNotification = z.infer<typeof JobNotification>;
