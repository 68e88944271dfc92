import * as z from 'zod';
import { openEnum } from '../scalar/open-enum.ts';
import { Instant } from '../scalar/time.ts';

/** Where a run stands, as the person at the machine sees it. */
export const RunStatus = openEnum(['queued', 'running', 'completed', 'failed', 'killed']);
export type RunStatus = z.infer<typeof RunStatus>;

/** Statuses after which nothing more comes. */
export const isEnded = (status: RunStatus): boolean =>
  status === 'completed' || status === 'failed' || status === 'killed';

export const JobRun = z.looseObject({
  run_id: z.string(),
  status: RunStatus,
  started_at: Instant,
  finished_at: Instant.optional(),
  exit_code: z.int().optional(),
});
export type JobRun = z.infer<typeof JobRun>;

/** A job that the person at the machine may start. Absent options are left off the wire, never null. */
export const UserInvokableJob = z.looseObject({
  id: z.string(),
  display_name: z.string(),
  display_description: z.string().optional(),
  icon: z.string().optional(),
  category: z.string(),
  category_label: z.string().optional(),
  category_icon: z.string().optional(),
  category_order: z.int().optional(),
  version: z.string(),
  timeout_secs: z.int().positive().optional(),
  confirm: z.looseObject({ enabled: z.boolean(), message: z.string().optional() }).optional(),
  unlock: z.string().optional(),
  last_run: JobRun.optional(),
});
export type UserInvokableJob = z.infer<typeof UserInvokableJob>;

/**
 * How a run goes: deltas while it runs, one push with the full output (each stream cut to 256 KiB) at its end.
 * `job_id`, `started_at` and `finished_at` are ours: a client that reconnects shows its live runs by them.
 */
export const JobProgress = z.looseObject({
  run_id: z.string(),
  status: RunStatus,
  stdout_chunk: z.string().optional(),
  stderr_chunk: z.string().optional(),
  exit_code: z.int().optional(),
  job_id: z.string().optional(),
  started_at: Instant.optional(),
  finished_at: Instant.optional(),
});
export type JobProgress = z.infer<typeof JobProgress>;

export const Check = z.looseObject({
  name: z.string(),
  label: z.string().optional(),
  status: z.enum(['ok', 'warn', 'fail', 'unknown']),
  detail: z.string().optional(),
  troubleshoot: z.string().optional(),
  health_hidden: z.boolean().optional(),
});
export type Check = z.infer<typeof Check>;

/** What the machine knows of itself; `online` means connected to the broker. */
export const StateSnapshot = z.looseObject({
  pc_id: z.string(),
  online: z.boolean(),
  checks: z.array(Check),
  agent_version: z.string(),
  target_version: z.string(),
});
export type StateSnapshot = z.infer<typeof StateSnapshot>;

export const Handshake = z.looseObject({
  client: z.string(),
  client_version: z.string(),
  protocol: z.array(z.int().nonnegative()).min(1),
  features: z.array(z.string()).default([]),
});
export type Handshake = z.infer<typeof Handshake>;

export const HandshakeResult = z.looseObject({
  protocol: z.int(),
  agent_version: z.string(),
  features: z.array(z.string()),
  session: z.looseObject({ user: z.string(), session_id: z.int(), pc_id: z.string() }),
  client_display_name: z.string().optional(),
});
export type HandshakeResult = z.infer<typeof HandshakeResult>;
