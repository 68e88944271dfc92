import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { type Fault, type Read, strictAs } from '../scalar/strict.ts';
import { Instant } from '../scalar/time.ts';
import { isToken } from '../scalar/words.ts';
import { scriptStatuses } from './store.ts';

/** The fleet-wide stop for schedules, at `freeze` of `fleet_config`: half-open, `from` included, `until` not. */
export const Freeze = z.looseObject({ from: Instant.nullish(), until: Instant.nullish() });
export type Freeze = z.infer<typeof Freeze>;

/**
 * Whether schedules stand still. No value under the key = not frozen; bytes that do not decode = frozen, because whoever
 * wrote them meant to stop something.
 */
export function isFrozen(blob: Uint8Array | undefined, nowMs: number): boolean {
  if (blob === undefined) return false;
  const freeze = decodeFreeze(blob);
  if (!freeze) return true;
  const { from, until } = freeze;
  return (!from || nowMs >= Date.parse(from)) && (!until || nowMs < Date.parse(until));
}

/** The stored freeze; undefined when the bytes do not decode, which counts as frozen. */
export function decodeFreeze(blob: Uint8Array): Freeze | undefined {
  try {
    return Freeze.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(blob))).data;
  } catch {
    return undefined;
  }
}

/** Checks a freeze at a write boundary. */
export function strictFreeze(value: unknown): Read<Freeze> {
  return strictAs(Freeze, value, ({ from, until }) =>
    from && until && Date.parse(from) >= Date.parse(until)
      ? [{ path: 'until', message: `must be after from: ${until}` }]
      : [],
  );
}

/** A code that opens a scope of jobs. `hash` is an argon2id PHC string; an empty one opens nothing. */
export const SupportCode = z.looseObject({
  scope: z.string(),
  hash: z.string(),
  label: z.string().nullish(),
  ttl_minutes: z.int().nullish(),
  disabled: z.boolean().nullish(),
});
export type SupportCode = z.infer<typeof SupportCode>;

/** Codes of a fleet, at most: each is tried against what somebody enters. */
export const supportCodesMax = 32;

/** How long a code opens its scope, in minutes. */
const supportMinutes = { byDefault: 15, min: 1, max: 480 } as const;

/** Minutes that a code opens its scope: what it says, clamped to 1 to 480; 15 when it says nothing. */
export function supportMinutesOf({ ttl_minutes }: Pick<SupportCode, 'ttl_minutes'>): number {
  return Math.min(supportMinutes.max, Math.max(supportMinutes.min, ttl_minutes ?? supportMinutes.byDefault));
}

/** Whether a code can open anything at all. */
export const isSupportCodeUsable = (code: SupportCode): boolean => code.hash !== '' && code.disabled !== true;

/** At `support_codes` of `fleet_config`; written as an empty list rather than deleted. */
export const SupportCodes = z.looseObject({ support_codes: z.array(SupportCode) });
export type SupportCodes = z.infer<typeof SupportCodes>;

/** Settings of the backend, at `current` of `server_settings`. Absent = the built-in setting. Secrets never go here. */
export const ServerSettings = z.looseObject({
  /** Absent = agents are never pruned. */
  agent_prune_days: z.int().nonnegative().nullish(),
  /** Absent = jobs of the controller tier run nowhere. */
  controller_group: z.string().nullish(),
  mail: z.record(z.string(), z.unknown()).nullish(),
  collect_retention_days: z.int().nonnegative().nullish(),
  session_ttl_hours: z.int().nonnegative().nullish(),
  /** 0 = off. */
  check_status_stale_days: z.int().nonnegative().nullish(),
  support_codes: z.array(SupportCode).nullish(),
  agent_install: z.record(z.string(), z.unknown()).nullish(),
});
export type ServerSettings = z.infer<typeof ServerSettings>;

/** Largest values that a write may give. */
const serverSettingsMax = {
  agent_prune_days: 36_500,
  collect_retention_days: 3_650,
  session_ttl_hours: 8_760,
  check_status_stale_days: 3_650,
} as const;

/** Checks settings at a write boundary: unknown fields, ranges, scopes. */
export function strictServerSettings(value: unknown): Read<ServerSettings> {
  return strictAs(ServerSettings, value, (settings) => [...rangeFaults(settings), ...scopeFaults(settings)]);
}

function rangeFaults(settings: ServerSettings): Fault[] {
  return Object.entries(serverSettingsMax).flatMap(([path, max]) => {
    const given = settings[path as keyof typeof serverSettingsMax];
    return typeof given === 'number' && given > max ? [{ path, message: `must be at most ${max}: ${given}` }] : [];
  });
}

function scopeFaults({ support_codes }: ServerSettings): Fault[] {
  return (support_codes ?? []).flatMap(({ scope }, index) =>
    isToken(scope)
      ? []
      : [{ path: `support_codes.${index}.scope`, message: `must be a slug: ${JSON.stringify(scope)}` }],
  );
}

/** One of `scriptStatuses`. */
export const ScriptStatus = z.enum(Object.values(scriptStatuses));
export type ScriptStatus = z.infer<typeof ScriptStatus>;

/** Notes of operators about a machine, at `<pc_id>` of `agent_meta`. */
export const AgentMeta = z.looseObject({ entries: z.record(z.string(), z.string()) });
export type AgentMeta = z.infer<typeof AgentMeta>;

/** What describes an object of an object store; a deleted one keeps its description. The format is in `object-store.ts`. */
export const ObjectInfo = z.looseObject({
  name: optional(z.string()),
  bucket: optional(z.string()),
  nuid: z.string().regex(/^[A-Za-z0-9]+$/, { error: 'must be one subject token' }),
  size: z.int().nonnegative(),
  chunks: z.int().nonnegative(),
  digest: optional(z.string()),
  mtime: optional(z.string()),
  deleted: optional(z.boolean()),
  options: optional(z.looseObject({ max_chunk_size: optional(z.int()), link: optional(z.unknown()) })),
});
export type ObjectInfo = z.infer<typeof ObjectInfo>;
