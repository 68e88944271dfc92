/* Settings of agents by name; free of the schema library, so that a command line can offer them. */

/** The fields of a scope of `agent_config`, and what stands in each. */
export const configFields = {
  max_local_concurrent: 'count',
  target_version: 'text',
  target_version_jitter: 'duration',
  heartbeat_interval: 'duration',
  host_perf_interval: 'duration',
  process_perf_enabled: 'flag',
  process_perf_expires_at: 'instant',
  process_perf_top_n: 'count',
  client_display_name: 'text',
  log_level: 'text',
} as const;
export type ConfigField = keyof typeof configFields;
