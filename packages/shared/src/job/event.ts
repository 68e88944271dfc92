import * as z from 'zod';
import { WholeSecond } from './whole-second.ts';
import { schemaVersion } from './words.ts';

/** What became of telling one sink. `target` is the command text or the path; `error` is there when it failed. */
export const DeliveryResult = z.looseObject({
  sink_type: z.enum(['command', 'file']),
  target: z.string(),
  success: z.boolean(),
  error: z.string().optional(),
  attempted_at: WholeSecond,
});
export type DeliveryResult = z.infer<typeof DeliveryResult>;

/** What the sinks of a job are told at its end (contract, section 6.2). `signal` is the signal number as text. */
export const CompletionEvent = z.looseObject({
  schema_version: z.literal(schemaVersion),
  event_type: z.literal('job.finished'),
  job_id: z.string(),
  state: z.enum(['exited', 'killed', 'failed']),
  command: z.array(z.string()),
  cwd: z.string().optional(),
  started_at: WholeSecond,
  finished_at: WholeSecond,
  duration_ms: z.number().optional(),
  exit_code: z.int().optional(),
  signal: z.string().optional(),
  stdout_log_path: z.string(),
  stderr_log_path: z.string(),
});
export type CompletionEvent = z.infer<typeof CompletionEvent>;

/** `completion_event.json`: the event and what became of it; the results are empty until the sinks have run. */
export const CompletionRecord = z.looseObject({
  ...CompletionEvent.shape,
  delivery_results: z.array(DeliveryResult),
});
export type CompletionRecord = z.infer<typeof CompletionRecord>;

/** One output line that matched (contract, section 6.4). `line` has no newline; invalid UTF-8 became U+FFFD. */
export const MatchEvent = z.looseObject({
  schema_version: z.literal(schemaVersion),
  event_type: z.literal('job.output.matched'),
  job_id: z.string(),
  pattern: z.string(),
  match_type: z.enum(['contains', 'regex']),
  stream: z.enum(['stdout', 'stderr']),
  line: z.string(),
  stdout_log_path: z.string(),
  stderr_log_path: z.string(),
});
export type MatchEvent = z.infer<typeof MatchEvent>;

/** One line of `notification_events.ndjson`. Written even when no sink is set; then the results are empty. */
export const MatchRecord = z.looseObject({ ...MatchEvent.shape, delivery_results: z.array(DeliveryResult) });
export type MatchRecord = z.infer<typeof MatchRecord>;
