import * as z from 'zod';
import { ByteSize } from '../scalar/byte-size.ts';
import { optional } from '../scalar/field.ts';
import { FilledText } from '../scalar/filled-text.ts';
import { Id } from '../scalar/id.ts';
import { NotificationPriority } from './notification.ts';

/** What the agent does with the lines that a script prints: each is one ObsEvent. Closed: an agent must not guess. */
export const EmitConfig = z.looseObject({
  type: z.enum(['events']),
  /** Documentation only: where the script keeps its own position. */
  watermark_path: optional(z.string()),
});
export type EmitConfig = z.infer<typeof EmitConfig>;

/** Outcome of a health check. Closed; `unknown` is a value of its own, not a fallback. */
export const CheckStatus = z.enum(['ok', 'warn', 'fail', 'unknown']);
export type CheckStatus = z.infer<typeof CheckStatus>;

/** Outcomes that may raise an alert. */
export const CheckAlertStatus = z.enum(['warn', 'fail', 'unknown']);
export type CheckAlertStatus = z.infer<typeof CheckAlertStatus>;

/** Raised on the transition *into* a listed status. `body` may hold `{pc_id}`, `{name}`, `{label}`, `{status}`, `{detail}`, `{last_logon}`. */
export const CheckAlert = z.looseObject({
  title: FilledText,
  on: optional(z.array(CheckAlertStatus)),
  body: optional(z.string()),
  priority: optional(NotificationPriority),
  notify_user: optional(z.boolean()),
  notify_groups: optional(z.array(Id)),
  require_ack: optional(z.boolean()),
  toast: optional(z.boolean()),
  email: optional(z.boolean()),
});
export type CheckAlert = z.infer<typeof CheckAlert>;

/** Makes a job a health check: which fields of its JSON say how the machine is. */
export const CheckHint = z.looseObject({
  name: Id,
  label: optional(z.string()),
  status_field: optional(FilledText),
  detail_field: optional(FilledText),
  troubleshoot: optional(Id),
  fleet: optional(z.boolean()),
  health: optional(z.boolean()),
  alert: optional(CheckAlert),
});
export type CheckHint = z.infer<typeof CheckHint>;

export const checkDefaults = {
  status_field: 'status',
  detail_field: 'detail',
  fleet: true,
  health: true,
} satisfies Partial<CheckHint>;

/** Makes a job a collector: which field of its JSON lists the files to bundle. `max_size` bounds uncompressed input. */
export const CollectHint = z.looseObject({
  name: FilledText,
  files_field: optional(FilledText),
  max_size: optional(ByteSize),
  description: optional(z.string()),
});
export type CollectHint = z.infer<typeof CollectHint>;

export const collectDefaults = { files_field: 'files' } satisfies Partial<CollectHint>;
