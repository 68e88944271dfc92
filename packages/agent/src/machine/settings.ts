/**
 * The settings of this machine: the layers that the broker's bucket `agent_config` has for it, resolved, within bounds. They are known
 * before there is a broker, and change while the agent runs.
 */
import {
  buckets,
  ConfigScope,
  type ConfigScopes,
  configBounds,
  configKey,
  type EffectiveConfig,
  intervalMsOf,
  isProcessPerfActive,
  jitterMsOf,
  type LogLevel,
  logLevels,
  parseConfigKey,
  parseHumantime,
  readAs,
  resolveConfig,
} from '@kanade/shared/fleet';
import { isReleaseVersion } from '@kanade/shared/release';
import type { Logger } from '../config/logger.ts';
import { limits } from '../limits.ts';
import type { FleetView } from '../store/fleet-cache.ts';

/** The version that this agent is to run, and over which time the machines that are told so spread, in ms. */
export interface WantedVersion {
  readonly version: string;
  readonly jitterMs: number;
}

export interface Settings {
  /** Runs of the fleet at the same time; undefined = as many as there are processors. */
  readonly placesMax: number | undefined;
  readonly heartbeatMs: number;
  readonly hostPerfMs: number;
  readonly displayName: string | undefined;
  /** Undefined = it stays what it is. */
  readonly target: WantedVersion | undefined;
  /** Undefined = as the agent was started. */
  readonly logLevel: LogLevel | undefined;
  /** Settings that several groups of this machine make; the last of them in alphabetical order holds. */
  readonly conflicts: readonly string[];
  /** How many processes are to be told of now; 0 = none. Asks the wall clock, which the fleet shares, whenever it is called. */
  processesMax(nowMs: number): number;
}

export interface LiveSettings {
  readonly current: Settings;
  /** Calls back with what holds from now on, until the returned function is called. */
  watch(listener: (settings: Settings) => void): () => void;
}

/** The layers that concern a machine, lowest first; of so many groups that nobody can mean them, the first. */
export function layerKeys(pcId: string, groups: readonly string[]): string[] {
  const known = groups.slice(0, limits.settingsGroupsMax).map((group) => configKey({ kind: 'group', group }));
  return [configKey({ kind: 'global' }), ...known, configKey({ kind: 'pc', pc: pcId })];
}

/** A layer as it is stored, or in words why it cannot be read. */
export function readScope(value: Uint8Array | string): { scope?: ConfigScope; fault?: string } {
  if (value.length > limits.settingsBytesMax)
    return { fault: `more than ${limits.settingsBytesMax} bytes: ${value.length}` };
  let document: unknown;
  try {
    document = JSON.parse(typeof value === 'string' ? value : new TextDecoder('utf-8', { fatal: true }).decode(value));
  } catch {
    return { fault: 'no JSON' };
  }
  const read = readAs(ConfigScope, document);
  if (read.ok) return { scope: read.value };
  return {
    fault: read.faults
      .map(({ path, message }) => `${path} ${message}`.trim())
      .join('; ')
      .slice(0, 1000),
  };
}

type Watched = Pick<FleetView, 'settings' | 'groups' | 'watch'>;

interface LiveOptions {
  readonly pcId: string;
  readonly view: Watched;
  readonly log: Logger;
}

/** The settings as they are known, and as they become. What is wrong with them is said once. */
export function createLiveSettings({ pcId, view, log }: LiveOptions): LiveSettings & Disposable {
  const listeners = new Set<(settings: Settings) => void>();
  const say = createNotes(log);
  const scopeOf = createMemory();
  const resolve = () => {
    const groups = view.groups();
    const scopes = scopesOf(view.settings(), layerKeys(pcId, groups), scopeOf);
    const { config, warnings } = resolveConfig(scopes, groups);
    say([
      ...warnings.map((warning) => ({ ...warning, text: 'several groups of this machine make one setting' })),
      ...notesOn(scopes, config),
      ...(groups.length > limits.settingsGroupsMax
        ? [{ groups: groups.length, text: 'this machine is in more groups than can have settings for it' }]
        : []),
    ]);
    const conflicts = [...new Set(warnings.map(({ field }) => field))];
    return { config, settings: settingsOf(config, conflicts), said: JSON.stringify([config, conflicts]) };
  };
  let now = resolve();
  const unwatch = view.watch((bucket) => {
    if (bucket === buckets.scriptStatus || bucket === buckets.scriptCurrent) return;
    const before = now.said;
    now = resolve();
    if (now.said === before) return;
    log.info({ config: now.config }, 'other settings hold');
    for (const listener of [...listeners]) listener(now.settings);
  });
  return {
    get current() {
      return now.settings;
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    [Symbol.dispose]: () => void unwatch(),
  };
}

/** A layer is parsed once, however often the others change. */
function createMemory(): (key: string, text: string) => ConfigScope | undefined {
  const read = new Map<string, { text: string; scope: ConfigScope | undefined }>();
  return (key, text) => {
    const known = read.get(key);
    if (known?.text === text) return known.scope;
    const { scope } = readScope(text);
    read.set(key, { text, scope });
    return scope;
  };
}

function scopesOf(
  said: ReadonlyMap<string, string>,
  keys: readonly string[],
  scopeOf: ReturnType<typeof createMemory>,
): ConfigScopes {
  const groups: [string, ConfigScope][] = [];
  let [global, pc]: (ConfigScope | undefined)[] = [];
  for (const key of keys) {
    const text = said.get(key);
    const scope = text === undefined ? undefined : scopeOf(key, text);
    const address = scope && parseConfigKey(key);
    if (address?.kind === 'global') global = scope;
    else if (address?.kind === 'pc') pc = scope;
    else if (address && scope) groups.push([address.group, scope]);
  }
  return { global, groups: Object.fromEntries(groups), pc };
}

function settingsOf(config: EffectiveConfig, conflicts: readonly string[]): Settings {
  const { client_display_name: name, target_version: version } = config;
  return {
    placesMax: config.max_local_concurrent,
    heartbeatMs: intervalMsOf(config, 'heartbeat_interval'),
    hostPerfMs: intervalMsOf(config, 'host_perf_interval'),
    displayName: name === undefined ? undefined : [...name].slice(0, limits.displayNameMax).join(''),
    target: version !== undefined && isReleaseVersion(version) ? { version, jitterMs: jitterMsOf(config) } : undefined,
    logLevel: config.log_level,
    conflicts,
    processesMax: (nowMs) =>
      isProcessPerfActive(config, nowMs) ? Math.min(config.process_perf_top_n, configBounds.processesMax) : 0,
  };
}

interface Note {
  readonly text: string;
  readonly [field: string]: unknown;
}

/** Says what is new among what there is to say; what was put right and comes again is new. */
function createNotes(log: Logger): (notes: readonly Note[]) => void {
  let said = new Set<string>();
  return (notes) => {
    const now = new Map(notes.map((note) => [JSON.stringify(note), note]));
    for (const [name, { text, ...fields }] of now) if (!said.has(name)) log.warn(fields, text);
    said = new Set(now.keys());
  };
}

/** What of the settings does not hold as it is written. */
function notesOn({ global, groups = {}, pc }: ConfigScopes, config: EffectiveConfig): Note[] {
  const notes: Note[] = [];
  for (const layer of [global, ...Object.values(groups), pc]) {
    for (const field of ['heartbeat_interval', 'host_perf_interval', 'target_version_jitter'] as const) {
      const wanted = layer?.[field];
      if (typeof wanted === 'string' && parseHumantime(wanted) === undefined)
        notes.push({ field, value: wanted.slice(0, 100), text: 'a setting is no duration: the built-in one holds' });
    }
    const level = layer?.log_level;
    if (typeof level === 'string' && !(logLevels as readonly string[]).includes(level))
      notes.push({
        field: 'log_level',
        value: level.slice(0, 100),
        text: 'a setting is no level of the log: it does not count',
      });
  }
  for (const field of ['heartbeat_interval', 'host_perf_interval'] as const) {
    const heldMs = intervalMsOf(config, field);
    if (heldMs !== parseHumantime(config[field]))
      notes.push({ field, value: config[field], held_ms: heldMs, text: 'an interval is kept within bounds' });
  }
  const { target_version: version } = config;
  if (version !== undefined && version !== '' && !isReleaseVersion(version))
    notes.push({
      field: 'target_version',
      value: version.slice(0, 100),
      text: 'a setting is no version: it does not count',
    });
  return notes;
}
