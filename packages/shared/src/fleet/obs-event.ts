import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';
import { Retry } from './launch.ts';

/**
 * The kinds of observation that are known, with their usual source. The vocabulary is open: others travel as they are.
 */
export const obsKinds = {
  logon: 'Security 4624',
  logoff: 'Security 4634',
  boot: 'System 12',
  shutdown: 'System 13',
  unexpected_shutdown: 'System 41',
  sleep: 'System 42',
  resume: 'System 107',
  active: 'idle sampler',
  idle: 'idle sampler',
  agent_update: 'agent',
  agent_online: 'agent:startup, backend:heartbeat-watchdog',
  agent_offline: 'backend:heartbeat-watchdog',
  agent_started: 'agent',
  diagnostic: 'agent',
  support_unlock: 'agent:support',
  support_unlock_failed: 'agent:support',
  support_lock: 'agent:support',
  command_admission_conflict: 'agent',
  command_admission_unavailable: 'agent',
  command_signature_ok: 'agent',
  command_signature_stale: 'agent',
  command_signature_clock_ahead: 'agent',
  command_signature_expired: 'agent',
  command_signature_misaddressed: 'agent',
  command_signature_envelope_rejected: 'agent',
  command_signature_invalid: 'agent',
} as const;
export type ObsKind = keyof typeof obsKinds;

/** Something that happened on a machine, on `obs.<pc_id>`. `source` is `<scheme>:<detail>`; `at` is the source's time. */
export const ObsEvent = z.looseObject({
  pc_id: z.string(),
  at: Instant,
  kind: z.string(),
  source: z.string(),
  event_record_id: z.string().nullable().optional(),
  payload: z.unknown().optional(),
});
export type ObsEvent = z.infer<typeof ObsEvent>;

/** What an absent field means. Both are written as explicit `null`. */
export const obsEventDefaults = { event_record_id: null, payload: null } satisfies Partial<ObsEvent>;

/** Two events with the same key are one (three parts, length-prefixed so that no two keys collide). */
export function obsEventKey({ pc_id, source, event_record_id }: ObsEvent): string | undefined {
  if (event_record_id === undefined || event_record_id === null) return undefined;
  return [pc_id, source, event_record_id].map((part) => `${part.length}.${part}`).join('.');
}

/** Whom an order was for, as {@link Target} names it. */
const NotedTarget = z.discriminatedUnion('kind', [
  z.looseObject({ kind: z.literal('all') }),
  z.looseObject({ kind: z.literal('group'), group: z.string() }),
  z.looseObject({ kind: z.literal('pc'), pc: z.string() }),
]);

/**
 * Something that an operator did, on `audit.operator.<action>[.<about>]`: who, from where, what, and to what. The record of an
 * order says enough to find its results and to take a wait for them up again.
 */
export const AuditRecord = z.looseObject({
  at: Instant,
  /** Account of the operating system. */
  user: z.string(),
  host: z.string(),
  /** For example `exec`, `kill`, `job.put`. */
  action: z.string(),
  /** What it was done to: an exec id, a job id; absent where there is no such thing. */
  about: optional(z.string()),
  order: optional(
    z.looseObject({
      request_id: z.string(),
      job_id: z.string(),
      version: z.string(),
      targets: z.array(NotedTarget),
      /** How long each run may take, and how long it may wait at random before it starts. */
      timeout_secs: z.int().nonnegative(),
      jitter_secs: optional(z.int().nonnegative()),
      /** How often each run may be tried again. */
      retry: optional(Retry),
      deadline_at: optional(Instant),
    }),
  ),
  /** What else is worth knowing, by action. */
  details: optional(z.record(z.string(), z.unknown())),
});
export type AuditRecord = z.infer<typeof AuditRecord>;
