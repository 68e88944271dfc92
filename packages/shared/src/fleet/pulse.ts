import * as z from 'zod';
import { optional } from '../scalar/field.ts';
import { Instant } from '../scalar/time.ts';

const bytes = optional(z.int().nonnegative());
const rate = optional(z.number().nonnegative());

/** The forms of a command that an agent can say it accepts. */
export const commandProtocols = ['legacy', 'kanade.command.v2'] as const;

/** How far an agent is on its way to the version that is wanted. */
export type UpdateState =
  /** It is the wanted one, or none is wanted. */
  | 'current'
  /** It begins at a moment that was drawn from the jitter, or tries again later. */
  | 'waiting'
  | 'fetching'
  | 'installing'
  /** It stands in the place of the running one, which ends now. */
  | 'restarting'
  /** What is stored is not what this machine may install; looked at again later. */
  | 'refused'
  /** It could not be done now; tried again later. */
  | 'failed'
  /** It did not become healthy here once, and is not fetched again. */
  | 'quarantined'
  /** This agent is not a program that replaces itself. */
  | 'unable';

/** Ours: what an agent does about the version that is wanted. `state` is an {@link UpdateState}; newer agents may know more. */
const AgentUpdate = z.looseObject({
  state: z.string(),
  /** The version that it is about. */
  version: optional(z.string()),
  /** When it begins, or is tried again. */
  at: optional(Instant),
  /** Bytes that were fetched, of how many. */
  fetched_bytes: bytes,
  total_bytes: bytes,
  /** Why it is not done, in one word for programs and in words for people. */
  code: optional(z.string()),
  reason: optional(z.string()),
});
export type AgentUpdate = z.infer<typeof AgentUpdate>;

/**
 * A sign of life on `heartbeat.<pc_id>`, and the reply to `agents.<pc_id>.ping`. `command_keys`, `enforcing` and
 * `command_protocols` have three states: absent = agent older than the field, empty (or false) = it has none. So has `target_version`.
 */
export const Heartbeat = z.looseObject({
  pc_id: z.string(),
  at: Instant,
  agent_version: z.string(),
  hostname: optional(z.string()),
  os_family: optional(z.string()),
  /** Percent of one core; absent on the first beat. */
  agent_cpu_pct: optional(z.number()),
  agent_rss_bytes: bytes,
  agent_disk_read_bytes: bytes,
  agent_disk_written_bytes: bytes,
  /** Versions that did not become healthy here and are not installed again; absent without any. */
  quarantined_versions: optional(z.array(z.string())),
  /** Ours: the version that the settings want here, empty = they want none, absent = the agent is older than the field. */
  target_version: optional(z.string()),
  /** Ours: absent = the agent is older than the field. */
  update: optional(AgentUpdate),
  last_logon_user: optional(z.string()),
  last_logon_display_name: optional(z.string()),
  /** `kid:fingerprint` of each key it verifies with. */
  command_keys: optional(z.array(z.string())),
  enforcing: optional(z.boolean()),
  command_protocols: optional(z.array(z.string())),
  /** Results and events that could not be delivered and are set apart; they are tried again from time to time. */
  records_quarantined: optional(z.int().nonnegative()),
  /** Why every order is refused: what the agent should verify them with cannot be relied upon. Absent while orders are taken. */
  orders_locked: optional(z.string()),
  /** Ours: settings that several groups of this machine set, so that the last of them in alphabetical order holds; absent without any. */
  config_conflicts: optional(z.array(z.string())),
  /** When damage last cost the agent's own file something; absent when it never did. */
  state_lost_at: optional(Instant),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/** Load of a machine, on `host_perf.<pc_id>`. `cpu_pct` is 0 to 100 over all cores; rates are absent on the first tick. */
export const HostPerf = z.looseObject({
  pc_id: z.string(),
  at: Instant,
  cpu_pct: optional(z.number()),
  cpu_count: optional(z.int().nonnegative()),
  mem_used_bytes: bytes,
  mem_total_bytes: bytes,
  swap_used_bytes: bytes,
  swap_total_bytes: bytes,
  disk_read_bytes_per_sec: rate,
  disk_written_bytes_per_sec: rate,
  net_rx_bytes_per_sec: rate,
  net_tx_bytes_per_sec: rate,
});
export type HostPerf = z.infer<typeof HostPerf>;

/**
 * One process in a ProcessPerf message; everything but its name and number is optional. `cpu_pct` is percent of one core and absent
 * on the first tick.
 */
export const ProcessSample = z.looseObject({
  pid: z.int().nonnegative(),
  name: z.string(),
  cpu_pct: optional(z.number()),
  mem_bytes: bytes,
});
export type ProcessSample = z.infer<typeof ProcessSample>;

/** The busiest processes of a machine, on `process_perf.<pc_id>`, most CPU first. */
export const ProcessPerf = z.looseObject({ pc_id: z.string(), at: Instant, processes: z.array(ProcessSample) });
export type ProcessPerf = z.infer<typeof ProcessPerf>;

/** Old hardware inventory on `inventory.<pc_id>.hw`; only kept to read old data. */
export const HwInventory = z.looseObject({
  pc_id: z.string(),
  hostname: z.string(),
  os_name: z.string(),
  os_version: z.string(),
  os_build: z.string().nullable(),
  cpu_model: z.string(),
  cpu_cores: z.int().nonnegative(),
  ram_bytes: z.int().nonnegative(),
  disks: z.array(
    z.looseObject({
      device_id: z.string(),
      size_bytes: z.int().nonnegative(),
      free_bytes: z.int().nonnegative(),
      file_system: z.string().nullable(),
    }),
  ),
  collected_at: Instant,
});
export type HwInventory = z.infer<typeof HwInventory>;
