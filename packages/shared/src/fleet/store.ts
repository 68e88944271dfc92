import { isToken } from '../scalar/words.ts';

/** The JetStream streams that every fleet has; named as on the wire. */
export const streams = {
  exec: 'EXEC',
  results: 'RESULTS',
  events: 'EVENTS',
  obsEvents: 'OBS_EVENTS',
  audit: 'AUDIT',
  notifications: 'NOTIFICATIONS',
} as const;

/** The streams that appear with the part of the system that first fills them. */
export const streamsOnDemand = {
  inventory: 'INVENTORY',
} as const;
export type StreamName =
  | (typeof streams)[keyof typeof streams]
  | (typeof streamsOnDemand)[keyof typeof streamsOnDemand];

const mebibyte = 1_048_576;

/**
 * What each stream takes and keeps: oldest messages go first. The byte limit is reserved when a stream is created. For so long
 * the broker drops what comes again under the same message id; its own default is 2 minutes.
 */
export const streamLimits: Readonly<
  Record<
    StreamName,
    { subjects: string; ageDaysMax: number; bytesMax: number; perSubjectMax?: number; knownIdsMinutes?: number }
  >
> = {
  EXEC: { subjects: 'commands.>', ageDaysMax: 7, bytesMax: 64 * mebibyte, perSubjectMax: 1 },
  RESULTS: { subjects: 'results.>', ageDaysMax: 30, bytesMax: 2_048 * mebibyte, knownIdsMinutes: 60 },
  EVENTS: { subjects: 'events.>', ageDaysMax: 7, bytesMax: 256 * mebibyte },
  OBS_EVENTS: { subjects: 'obs.>', ageDaysMax: 90, bytesMax: 512 * mebibyte },
  NOTIFICATIONS: { subjects: 'notifications.>', ageDaysMax: 90, bytesMax: 512 * mebibyte },
  INVENTORY: { subjects: 'inventory.>', ageDaysMax: 90, bytesMax: 1_024 * mebibyte },
  AUDIT: { subjects: 'audit.>', ageDaysMax: 90, bytesMax: 512 * mebibyte },
};

/**
 * The KV buckets of the job catalogue, and of what operators say of machines, which every fleet has. One that was set up before a
 * bucket came has it when it is set up again; until then nothing stands there.
 */
export const buckets = {
  jobs: 'jobs',
  jobsYaml: 'jobs_yaml',
  scriptCurrent: 'script_current',
  scriptStatus: 'script_status',
  agentGroups: 'agent_groups',
  agentConfig: 'agent_config',
  agentMeta: 'agent_meta',
  fleetConfig: 'fleet_config',
  notificationsRead: 'notifications_read',
  enrolTokens: 'enrol_tokens',
  enrolments: 'enrolments',
} as const;

/** The KV buckets that appear with the part of the system that first writes them. */
export const bucketsOnDemand = {
  schedules: 'schedules',
  schedulesYaml: 'schedules_yaml',
  views: 'views',
  viewsYaml: 'views_yaml',
  groupDefs: 'group_defs',
  groupDefsYaml: 'group_defs_yaml',
  agentGroupsDerived: 'agent_groups_derived',
  groupContacts: 'group_contacts',
  agentsState: 'agents_state',
  serverSettings: 'server_settings',
  schedulerDispatch: 'scheduler_dispatch',
} as const;

/** The stream of a bucket. */
export const bucketStream = (bucket: string): string => `KV_${bucket}`;

/** Where a value of a bucket is; the key may be a filter (`>` for all). */
export const entrySubject = (bucket: string, key: string): string => `$KV.${bucket}.${key}`;

/** The header that says what a message of a bucket does when it is no value: its key was deleted or purged. */
export const removalHeader = { name: 'KV-Operation', values: ['DEL', 'PURGE'] } as const;

/** How many values of a key a bucket keeps: 5, but 1 where only the newest means anything. */
export const bucketHistory = (bucket: string): number =>
  (
    [
      bucketsOnDemand.agentsState,
      buckets.fleetConfig,
      buckets.notificationsRead,
      buckets.enrolTokens,
      buckets.enrolments,
    ] as string[]
  ).includes(bucket)
    ? 1
    : 5;

/** The object stores that every fleet has, named as on the wire. */
export const objectStores = {
  resultOutput: 'result_output',
  scripts: 'scripts',
  collections: 'collections',
} as const;

/** The object stores that appear with the part of the system that first fills them. */
export const objectStoresOnDemand = {
  agentReleases: 'agent_releases',
  appPackages: 'app_packages',
} as const;

/** What the object stores that kanade makes keep, 0 days = for ever: a full one takes nothing more. The byte limit is reserved. */
export const objectStoreLimits: Readonly<
  Record<
    (typeof objectStores)[keyof typeof objectStores] | (typeof objectStoresOnDemand)['agentReleases'],
    { ageDaysMax: number; bytesMax: number }
  >
> = {
  result_output: { ageDaysMax: 30, bytesMax: 1_024 * mebibyte },
  scripts: { ageDaysMax: 0, bytesMax: 256 * mebibyte },
  collections: { ageDaysMax: 30, bytesMax: 2_048 * mebibyte },
  agent_releases: { ageDaysMax: 0, bytesMax: 4_096 * mebibyte },
};

/** Inline threshold of a result, in bytes per stream: both streams plus JSON stay below the 1 MiB NATS payload. */
export const resultInlineBytesMax = 262_144;
/** Largest notification that machines take, in bytes as JSON. */
export const notificationBytesMax = 65_536;
/** Largest script in `scripts`, in bytes. */
export const scriptObjectBytesMax = 4 * mebibyte;

/** The one key of `server_settings`, and those of `fleet_config`. */
export const storeKeys = { serverSettings: 'current', freeze: 'freeze', supportCodes: 'support_codes' } as const;

/** What stands, as plain text, in `script_status` at a job id; no value counts as active. */
export const scriptStatuses = { active: 'ACTIVE', revoked: 'REVOKED' } as const;

/** Whose settings a key of `agent_config` holds. */
export type ConfigAddress =
  | { readonly kind: 'global' }
  | { readonly kind: 'group'; readonly group: string }
  | { readonly kind: 'pc'; readonly pc: string };

/** `global`, `groups.<name>` or `pcs.<pc_id>`. */
export function configKey(address: ConfigAddress): string {
  if (address.kind === 'global') return 'global';
  return address.kind === 'group' ? `groups.${checked('group', address.group)}` : `pcs.${checked('pc id', address.pc)}`;
}

/** What a key of `agent_config` names; undefined for others, such as the old `target_version`. */
export function parseConfigKey(key: string): ConfigAddress | undefined {
  if (key === 'global') return { kind: 'global' };
  const at = key.indexOf('.');
  const id = key.slice(at + 1);
  if (at < 0 || !isToken(id)) return undefined;
  if (key.startsWith('groups.')) return { kind: 'group', group: id };
  return key.startsWith('pcs.') ? { kind: 'pc', pc: id } : undefined;
}

/** `<pc_id>.<sid>.<notification_id>` in `notifications_read`. */
export const readMarkKey = (pc: string, sid: string, notificationId: string): string =>
  `${checked('pc id', pc)}.${checked('user id', sid)}.${checked('notification id', notificationId)}`;

/**
 * Where long output of a run is in `result_output`: `<result_id>/stdout` or `<result_id>/stderr`. An order to a group shares
 * one request id, so that would not do. Readers take the key from `stdout_object` of the result; older agents wrote
 * `<request_id>/stdout`.
 */
export const outputKey = (resultId: string, stream: 'stdout' | 'stderr'): string =>
  `${checked('result id', resultId)}/${stream}`;
/** `<name>/<version>` in `scripts` and `app_packages`. */
export const versionedKey = (name: string, version: string): string =>
  `${checked('name', name)}/${checked('version', version)}`;
/** What such a key names; undefined for what is none. */
export function parseVersionedKey(key: string): { name: string; version: string } | undefined {
  const [name = '', version = '', ...more] = key.split('/');
  return more.length === 0 && isToken(name) && isToken(version) ? { name, version } : undefined;
}
/** `<version>-<platform>` such as `1.0.0-linux-x86_64`, in `agent_releases`. */
export const releaseKey = (version: string, platform: string): string => checked('version', `${version}-${platform}`);
const manifestEnd = '-manifest';
/** Where the signed manifest of a release stands beside its executables. */
export const releaseManifestKey = (version: string): string => checked('version', `${version}${manifestEnd}`);
/** The version whose signed manifest stands under a key; undefined for every other key. */
export const manifestVersionOf = (key: string): string | undefined =>
  key.endsWith(manifestEnd) && isToken(key) ? key.slice(0, -manifestEnd.length) || undefined : undefined;
/** `<pc_id>/<job_id>/<timestamp>.zip` in `collections`. */
export const collectionKey = (pc: string, jobId: string, timestamp: string): string =>
  `${checked('pc id', pc)}/${checked('job id', jobId)}/${checked('timestamp', timestamp)}.zip`;
/** Stands for the job in the key of what a person at the machine has sent: `<pc_id>/support.diagnostics/<timestamp>.zip`. */
export const diagnosticsJobId = 'support.diagnostics';
/** What such a key names; undefined for what is none. */
export function parseCollectionKey(key: string): { pc: string; jobId: string; timestamp: string } | undefined {
  const [pc = '', jobId = '', file = '', ...more] = key.split('/');
  const timestamp = file.endsWith('.zip') ? file.slice(0, -4) : '';
  return more.length === 0 && [pc, jobId, timestamp].every(isToken) ? { pc, jobId, timestamp } : undefined;
}

function checked(what: string, id: string): string {
  if (!isToken(id)) throw new RangeError(`${what} cannot become part of a key: ${JSON.stringify(id)}`);
  return id;
}
