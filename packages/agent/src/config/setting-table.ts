/**
 * What an agent can be told, by its name in the configuration file: `agent.id` is the key `id` of the table `[agent]`. The one list
 * behind arguments, environment, file, `config check` and `config show`.
 */

/** `text`: not empty. `path`: relative to the file it stands in, else to the working directory. `count`: a whole number, not negative. */
export type SettingKind = 'text' | 'path' | 'flag' | 'count';

export interface Setting {
  readonly kind: SettingKind;
  /** The option of a call that says it, without its dashes. */
  readonly argument?: string;
  /** The environment variable that says it; one of a flag says it with `1`. */
  readonly env?: string;
}

export const settingTable = {
  'agent.id': { kind: 'text', argument: 'id' },
  'agent.data_dir': { kind: 'path', argument: 'data-dir', env: 'KANADE_AGENT_DATA_DIR' },
  'agent.socket': { kind: 'path', argument: 'socket', env: 'KANADE_SOCKET' },
  'agent.jobs': { kind: 'path', argument: 'jobs' },
  'agent.command_keys': { kind: 'path', argument: 'command-keys', env: 'KANADE_COMMAND_KEYS' },
  'agent.allow_own_user': { kind: 'flag', argument: 'allow-own-user' },
  'agent.nats_url': { kind: 'text', argument: 'server', env: 'KANADE_NATS_URL' },
  'broker.connection': { kind: 'path', argument: 'connection', env: 'KANADE_NATS_CONFIG' },
  'update.trial_secs': { kind: 'count', env: 'KANADE_UPDATE_TRIAL_SECS' },
  'log.level': { kind: 'text', argument: 'log-level' },
  'log.path': { kind: 'path' },
  'log.keep_days': { kind: 'count' },
  'log.local_trace': { kind: 'path', env: 'KANADE_KLP_TRACE' },
  'log.local_trace_bodies': { kind: 'flag', env: 'KANADE_KLP_TRACE_BODIES' },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settingTable;

export const settingNames = Object.keys(settingTable) as SettingName[];

/** Keys of files of the system that this one comes from: why they say nothing here, or why a file with them is refused. */
export const formerKeys: Readonly<Record<string, { readonly why: string; readonly isRefused?: true }>> = {
  'agent.groups': { why: 'says nothing since 0.2.0: operators give groups (kanade fleet group add)' },
  'agent.state_db': { why: 'says nothing: the state of an agent is in its data directory (agent.data_dir)' },
  state_db: { why: 'says nothing: the state of an agent is in its data directory (agent.data_dir)' },
  inventory: { why: 'says nothing since 0.20: an inventory is a job of the fleet' },
  tls: {
    why: 'is not carried out here: TLS stands in the connection file (tls: of broker.connection)',
    isRefused: true,
  },
};
