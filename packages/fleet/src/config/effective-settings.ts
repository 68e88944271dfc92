/** What one machine makes of all settings that are meant for it, and where each comes from. */
import {
  type ConfigAddress,
  type ConfigField,
  type ConfigScope,
  configFields,
  configKey,
  type Fault,
  type MultiGroupConflict,
  resolveConfig,
} from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { translate } from '../fault/translate.ts';
import { readSettings, type ScopeSettings } from './agent-settings.ts';
import { readMembership } from './membership.ts';

export interface EffectiveSetting {
  readonly field: ConfigField;
  /** Absent: nobody sets it, and its meaning without a value is the machine's own. */
  readonly value?: unknown;
  /** The key of the scope, or `built-in`. */
  readonly from: string;
  /** What a scope says and the machine cannot use. */
  readonly ignored?: { readonly value: unknown; readonly from: string };
}

export interface EffectiveSettings {
  readonly groups: readonly string[];
  readonly settings: readonly EffectiveSetting[];
  /** Fields that several groups of the machine set: the last by name wins. */
  readonly conflicts: readonly MultiGroupConflict[];
  /** Scopes that nobody can read, with what is wrong: they count as empty. */
  readonly unreadable: readonly { readonly key: string; readonly faults: readonly Fault[] }[];
}

/** The settings of one machine, as it resolves them. A machine nobody has heard of gets those for all. Throws FleetError. */
export async function effectiveSettings(
  fleet: Fleet,
  pc: string,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<EffectiveSettings> {
  checkId('a machine', pc);
  try {
    const groups = (await readMembership(fleet, pc, signal)).all;
    const addresses: ConfigAddress[] = [
      { kind: 'global' },
      ...groups.map((group) => ({ kind: 'group', group }) as const),
      { kind: 'pc', pc },
    ];
    const layers = await Promise.all(addresses.map((address) => readLayer(fleet, address, signal)));
    return { groups, ...flatten(layers, groups) };
  } catch (error) {
    throw translate(error, `reading the settings of ${pc}`, signal);
  }
}

async function readLayer(
  fleet: Fleet,
  address: ConfigAddress,
  signal: AbortSignal | undefined,
): Promise<ScopeSettings> {
  return readSettings(fleet, address, { signal }).catch((error: { code?: string; message?: string }) => {
    if (error.code !== 'stored_unreadable') throw error;
    return { key: configKey(address), settings: {}, faults: [{ path: '', message: String(error.message) }] };
  });
}

/** Pure: layers in the order in which they win, the machine's own last. */
export function flatten(
  layers: readonly ScopeSettings[],
  groups: readonly string[],
): Omit<EffectiveSettings, 'groups'> {
  const readable = layers.filter(({ faults }) => faults.length === 0);
  const scopeAt = (key: string): ConfigScope | undefined => readable.find((layer) => layer.key === key)?.settings;
  const ofGroups = groups.flatMap((group) => {
    const scope = scopeAt(configKey({ kind: 'group', group }));
    return scope ? [[group, scope] as const] : [];
  });
  const own = layers.at(-1);
  const scopes = { global: scopeAt('global'), groups: Object.fromEntries(ofGroups), pc: own && scopeAt(own.key) };
  const { config, warnings } = resolveConfig(scopes, groups);
  const settings = (Object.keys(configFields) as ConfigField[]).map((field): EffectiveSetting => {
    const setter = readable.findLast((layer) => (layer.settings[field] ?? undefined) !== undefined);
    const [value, said] = [config[field], setter?.settings[field]];
    return {
      field,
      ...(value === undefined ? {} : { value }),
      from: setter && said === value ? setter.key : 'built-in',
      ...(setter && said !== value ? { ignored: { value: said, from: setter.key } } : {}),
    };
  });
  const unreadable = layers.filter(({ faults }) => faults.length > 0).map(({ key, faults }) => ({ key, faults }));
  return { settings, conflicts: warnings, unreadable };
}
