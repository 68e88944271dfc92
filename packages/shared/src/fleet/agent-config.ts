import * as z from 'zod';
import { isReleaseVersion } from '../release/version.ts';
import { optional } from '../scalar/field.ts';
import { type Fault, type Read, strictAs } from '../scalar/strict.ts';
import { Instant } from '../scalar/time.ts';
import { parseHumantime } from '../scalar/words.ts';
import { type ConfigField, configFields } from './config-words.ts';

/** How much an agent logs, most first. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/**
 * Settings of agents, at `global`, `groups.<name>` and `pcs.<pc_id>` of `agent_config`. Every field may be absent; JSON
 * null is the same. Durations are read as they are: a malformed one counts as the built-in default, here and in every
 * older reader, so that one bad value does not disconfigure a fleet.
 */
export const ConfigScope = z.looseObject({
  max_local_concurrent: z.int().positive().nullish(),
  target_version: z.string().nullish(),
  target_version_jitter: z.string().nullish(),
  heartbeat_interval: z.string().nullish(),
  host_perf_interval: z.string().nullish(),
  process_perf_enabled: z.boolean().nullish(),
  process_perf_expires_at: Instant.nullish(),
  process_perf_top_n: z.int().nonnegative().nullish(),
  client_display_name: z.string().nullish(),
  /** Ours: one of `logLevels`; another text counts as not set. */
  log_level: z.string().nullish(),
} satisfies Record<ConfigField, z.ZodType>);
export type ConfigScope = z.infer<typeof ConfigScope>;

/** The flattened settings of one machine. Absent: `max_local_concurrent` = the number of CPUs of that machine, `log_level` = as it was started. */
export const EffectiveConfig = z.looseObject({
  max_local_concurrent: optional(z.int().positive()),
  target_version: optional(z.string()),
  target_version_jitter: z.string(),
  heartbeat_interval: z.string(),
  host_perf_interval: z.string(),
  process_perf_enabled: z.boolean(),
  process_perf_expires_at: optional(Instant),
  process_perf_top_n: z.int().nonnegative(),
  client_display_name: optional(z.string()),
  log_level: optional(z.enum(logLevels)),
});
export type EffectiveConfig = z.infer<typeof EffectiveConfig>;

/** Built-in settings. */
export const configDefaults = {
  target_version_jitter: '10m',
  heartbeat_interval: '30s',
  host_perf_interval: '60s',
  process_perf_enabled: false,
  process_perf_top_n: 20,
} as const;

/** What agents do with settings that would harm: they keep within these, in ms and processes. */
export const configBounds = {
  intervalMsMin: 1_000,
  intervalMsMax: 3_600_000,
  /** Over which time the machines of a rollout spread, at most: a week. */
  jitterMsMax: 604_800_000,
  processesMax: 500,
} as const;

/** Over which time the machines of a rollout spread, as an agent keeps it, in ms. */
export function jitterMsOf(config: EffectiveConfig): number {
  const wantedMs = parseHumantime(config.target_version_jitter) ?? parseHumantime(configDefaults.target_version_jitter);
  return Math.min(wantedMs ?? 0, configBounds.jitterMsMax);
}

/** An interval of settings as an agent keeps it, in ms. */
export function intervalMsOf(config: EffectiveConfig, field: 'heartbeat_interval' | 'host_perf_interval'): number {
  const wantedMs = parseHumantime(config[field]) ?? parseHumantime(configDefaults[field]) ?? 0;
  return Math.min(Math.max(wantedMs, configBounds.intervalMsMin), configBounds.intervalMsMax);
}

const durations = ['target_version_jitter', 'heartbeat_interval', 'host_perf_interval'] as const;
const fields = Object.keys(configFields) as ConfigField[];

/** Two or more groups of a machine set the same field; the last in alphabetical order won. */
export interface MultiGroupConflict {
  readonly kind: 'MultiGroupConflict';
  readonly field: ConfigField;
  readonly groups: readonly string[];
}

export interface ConfigScopes {
  readonly global?: ConfigScope | undefined;
  /** By group name. Groups of the machine that are not here are ignored. */
  readonly groups?: Readonly<Record<string, ConfigScope>>;
  readonly pc?: ConfigScope | undefined;
}

/** Built-in, then global, then the machine's groups in alphabetical order (the last wins), then the machine itself. */
export function resolveConfig(
  scopes: ConfigScopes,
  memberOf: readonly string[],
): { config: EffectiveConfig; warnings: MultiGroupConflict[] } {
  const groups = sortedUnique(memberOf).filter((name) => scopes.groups && Object.hasOwn(scopes.groups, name));
  const layers = [scopes.global, ...groups.map((name) => scopes.groups?.[name]), scopes.pc];
  const config: Record<string, unknown> = { ...configDefaults };
  for (const layer of layers) {
    for (const field of fields) if (isSet(layer, field)) config[field] = layer?.[field];
  }
  for (const field of durations) {
    if (parseHumantime(String(config[field])) === undefined) config[field] = configDefaults[field];
  }
  if (!isLogLevel(config.log_level)) delete config.log_level;
  const warnings = fields.flatMap((field) => {
    const setters = groups.filter((name) => isSet(scopes.groups?.[name], field));
    return setters.length > 1 ? [{ kind: 'MultiGroupConflict' as const, field, groups: setters }] : [];
  });
  return { config: config as EffectiveConfig, warnings };
}

/** Whether the process list is to be sampled now: enabled, and not expired. */
export function isProcessPerfActive(config: EffectiveConfig, nowMs: number): boolean {
  const expires = config.process_perf_expires_at;
  return config.process_perf_enabled && (expires === undefined || nowMs < Date.parse(expires));
}

/** Checks a scope at a write boundary: unknown fields, malformed durations and unknown levels are faults there. */
export function strictConfigScope(value: unknown): Read<ConfigScope> {
  return strictAs(ConfigScope, value, (scope) => {
    const faults: Fault[] = durations
      .filter((field) => typeof scope[field] === 'string' && parseHumantime(scope[field]) === undefined)
      .map((field) => ({ path: field, message: 'must be a duration such as 30s, 10m or 1h 30m' }));
    if (typeof scope.log_level === 'string' && !isLogLevel(scope.log_level))
      faults.push({ path: 'log_level', message: `must be one of ${logLevels.join(', ')}` });
    return [...faults, ...boundFaults(scope)];
  });
}

/** What agents would not do as it is said: they keep within `configBounds`. */
function boundFaults(scope: ConfigScope): Fault[] {
  const { intervalMsMin, intervalMsMax, jitterMsMax, processesMax } = configBounds;
  const intervals = (['heartbeat_interval', 'host_perf_interval'] as const).filter((field) => {
    const ms = parseHumantime(scope[field] ?? '');
    return ms !== undefined && (ms < intervalMsMin || ms > intervalMsMax);
  });
  const faults: Fault[] = intervals.map((path) => ({ path, message: 'must be from 1s to 1h' }));
  if ((parseHumantime(scope.target_version_jitter ?? '') ?? 0) > jitterMsMax)
    faults.push({ path: 'target_version_jitter', message: 'must be at most 7d' });
  if (typeof scope.target_version === 'string' && !isReleaseVersion(scope.target_version))
    faults.push({ path: 'target_version', message: 'must be a version such as 1.4.0' });
  return (scope.process_perf_top_n ?? 0) > processesMax
    ? [...faults, { path: 'process_perf_top_n', message: `must be at most ${processesMax}` }]
    : faults;
}

const isLogLevel = (value: unknown): boolean => (logLevels as readonly unknown[]).includes(value);

function isSet(scope: ConfigScope | undefined, field: ConfigField): boolean {
  return scope?.[field] !== undefined && scope[field] !== null;
}

/** Groups of a machine, at `<pc_id>` of `agent_groups` and of `agent_groups_derived`. Write them with `agentGroups`. */
export const AgentGroups = z.looseObject({ groups: z.array(z.string()) });
export type AgentGroups = z.infer<typeof AgentGroups>;

/** The value for a set of groups: sorted and without doubles, so that equal sets are written alike. */
export function agentGroups(names: Iterable<string>): AgentGroups {
  return { groups: sortedUnique(names) };
}

/** The groups that count: those an operator gave and those that were derived. */
export function effectiveGroups(given?: AgentGroups, derived?: AgentGroups): string[] {
  return sortedUnique([...(given?.groups ?? []), ...(derived?.groups ?? [])]);
}

function sortedUnique(names: Iterable<string>): string[] {
  return [...new Set(names)].sort((a, b) => (a < b ? -1 : 1));
}
