import * as z from 'zod';

/** Asks for the live output of a run, on `job.tail.<pc_id>`. */
export const JobTailRequest = z.looseObject({ result_id: z.string().optional() });
export type JobTailRequest = z.infer<typeof JobTailRequest>;
export const jobTailRequestDefaults = { result_id: '' } satisfies Partial<JobTailRequest>;

/** `found: false` means: read the stored row instead. Every field may be absent. */
export const JobTailReply = z.looseObject({
  found: z.boolean().optional(),
  running: z.boolean().optional(),
  stdout: z.string().optional(),
  stderr: z.string().optional(),
  stdout_truncated: z.boolean().optional(),
  stderr_truncated: z.boolean().optional(),
});
export type JobTailReply = z.infer<typeof JobTailReply>;
export const jobTailReplyDefaults = {
  found: false,
  running: false,
  stdout: '',
  stderr: '',
  stdout_truncated: false,
  stderr_truncated: false,
} satisfies Partial<JobTailReply>;

/** Asks for the end of the newest log file, on `logs.fetch.<pc_id>`; the reply is raw UTF-8 text. */
export const LogsFetchRequest = z.looseObject({ tail_lines: z.int().nonnegative().optional() });
export type LogsFetchRequest = z.infer<typeof LogsFetchRequest>;
export const logsFetchDefaults = { tail_lines: 500 } satisfies Partial<LogsFetchRequest>;
