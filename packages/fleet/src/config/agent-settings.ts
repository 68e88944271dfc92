/** Settings of agents: what stands in the scope of the fleet, of a group or of a machine, and how an operator changes it. */
import {
  buckets,
  type ConfigAddress,
  type ConfigField,
  ConfigScope,
  configFields,
  configKey,
  type Fault,
  parseHumantime,
  readAs,
  strictConfigScope,
} from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { type Changed, changeStored, type Place, readStored, type StoredValue, storedObject } from './stored-value.ts';

/** What stands in one scope. */
export interface ScopeSettings {
  /** `global`, `groups.<name>` or `pcs.<pc_id>`. */
  readonly key: string;
  /** Everything that stands there, fields of newer versions too. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Why readers cannot make use of it; none when they can. */
  readonly faults: readonly Fault[];
}

export interface SettingChange {
  readonly key: string;
  readonly field: ConfigField;
  /** Absent: it was not set. */
  readonly before?: unknown;
  readonly value: unknown;
}

/** Characters of a text in a setting. */
const textCharsMax = 100;

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

/** What is set in a scope. Throws FleetError `invalid_id`, `stored_unreadable`. */
export async function readSettings(
  fleet: Fleet,
  address: ConfigAddress,
  { signal }: Asked = {},
): Promise<ScopeSettings> {
  const place = placeOf(address);
  const { key } = place;
  try {
    const settings = storedObject(await readStored(fleet, place, signal), place);
    const read = readAs(ConfigScope, settings);
    return { key, settings, faults: read.ok ? [] : read.faults };
  } catch (error) {
    throw translate(error, `reading the settings of ${key}`, signal);
  }
}

/**
 * Sets one field, from the words of a command line; what others set at the same time stays. Throws FleetError `config_invalid` with
 * the fault.
 */
export async function setSetting(
  fleet: Fleet,
  address: ConfigAddress,
  { field: name, text, nowMs, signal }: Asked & { field: string; text: string; nowMs: number },
): Promise<SettingChange> {
  const place = placeOf(address);
  const field = knownField(name);
  const value = checkedValue(field, meantBy(field, text, nowMs));
  try {
    const before = await writeFields(fleet, place, { fields: { [field]: value }, signal });
    return { key: place.key, field, ...(Object.hasOwn(before, field) ? { before: before[field] } : {}), value };
  } catch (error) {
    throw translate(error, `setting ${field} at ${place.key}`, signal);
  }
}

/** Sets fields in one write, so that nobody reads one without the others; resolves with what stood there before. */
function writeFields(
  fleet: Fleet,
  place: Place,
  { fields, signal }: Asked & { fields: Readonly<Record<string, unknown>> },
): Promise<Readonly<Record<string, unknown>>> {
  const change = (stored: StoredValue): Changed<Readonly<Record<string, unknown>>> => {
    const told = storedObject(stored, place);
    return { value: JSON.stringify({ ...told, ...fields }), told };
  };
  return changeStored(fleet, place, { change, signal });
}

export interface TargetSet {
  readonly key: string;
  /** What the scope said before; absent: it said none. */
  readonly before?: { readonly version?: unknown; readonly jitter?: unknown };
}

/**
 * Says which version the agents of a scope are to run, and, where that is given, over which time they spread: both in one write.
 * Whether there is such a release is the caller's to know. Throws FleetError `config_invalid`.
 */
export async function setTarget(
  fleet: Fleet,
  address: ConfigAddress,
  { version, jitter, signal }: Asked & { version: string; jitter?: string | undefined },
): Promise<TargetSet> {
  const place = placeOf(address);
  const fields = {
    target_version: checkedValue('target_version', version),
    ...(jitter === undefined ? {} : { target_version_jitter: checkedValue('target_version_jitter', jitter) }),
  };
  try {
    const stood = await writeFields(fleet, place, { fields, signal });
    const { target_version, target_version_jitter } = stood;
    const before = {
      ...(target_version == null ? {} : { version: target_version }),
      ...(target_version_jitter == null ? {} : { jitter: target_version_jitter }),
    };
    return { key: place.key, ...(Object.keys(before).length === 0 ? {} : { before }) };
  } catch (error) {
    throw translate(error, `setting the version of agents at ${place.key}`, signal);
  }
}

/** What was taken out of a scope. */
export interface Unset {
  readonly key: string;
  /** With the values that they had; of fields that were not set nothing. */
  readonly removed: Readonly<Record<string, unknown>>;
}

/**
 * Takes fields out of a scope, those that only newer versions know, too; `all` takes the scope away, be it readable or not. Throws
 * FleetError `config_invalid` for a name that is no field and does not stand there.
 */
export async function unsetSettings(
  fleet: Fleet,
  address: ConfigAddress,
  { fields, signal }: Asked & { fields: readonly string[] | 'all' },
): Promise<Unset> {
  const place = placeOf(address);
  const { key } = place;
  const change = (stored: StoredValue): Changed<Unset> => {
    if (fields === 'all') return { value: null, told: { key, removed: readableOr({}, stored, place) } };
    const settings = storedObject(stored, place);
    for (const name of fields) if (!Object.hasOwn(settings, name)) knownField(name);
    const isTaken = ([name]: [string, unknown]): boolean => fields.includes(name);
    const removed = Object.entries(settings).filter(isTaken);
    const left = Object.entries(settings).filter((entry) => !isTaken(entry));
    const value = left.length === 0 ? null : JSON.stringify(Object.fromEntries(left));
    return { value: removed.length === 0 ? undefined : value, told: { key, removed: Object.fromEntries(removed) } };
  };
  try {
    return await changeStored(fleet, place, { change, signal });
  } catch (error) {
    throw translate(error, `changing the settings of ${key}`, signal);
  }
}

function readableOr<T>(other: T, stored: StoredValue, place: Place): Record<string, unknown> | T {
  try {
    return storedObject(stored, place);
  } catch {
    return other;
  }
}

export function placeOf(address: ConfigAddress): Place {
  if (address.kind === 'group') checkId('a group', address.group);
  if (address.kind === 'pc') checkId('a machine', address.pc);
  return { bucket: buckets.agentConfig, key: configKey(address) };
}

function knownField(name: string): ConfigField {
  if (Object.hasOwn(configFields, name)) return name as ConfigField;
  const known = Object.keys(configFields).join(', ');
  throw invalid({ path: name.slice(0, nameCharsMax), message: `is no setting; there are ${known}` });
}

/** Characters of a name that was not understood, in an error. */
const nameCharsMax = 60;

/** The value that words mean; a text where they mean none, which the check refuses in the words of the field. */
function meantBy(field: ConfigField, text: string, nowMs: number): unknown {
  switch (configFields[field]) {
    case 'count':
      return /^\d{1,15}$/.test(text) ? Number(text) : text;
    case 'flag':
      return text === 'true' || (text === 'false' ? false : text);
    case 'instant': {
      const aheadMs = parseHumantime(text);
      return aheadMs === undefined || aheadMs > aheadMsMax ? text : new Date(nowMs + aheadMs).toISOString();
    }
    default:
      return text;
  }
}

/** How far ahead a moment may be given as a duration, in ms: ten years. */
const aheadMsMax = 3_652 * 86_400_000;

function checkedValue(field: ConfigField, value: unknown): unknown {
  const isText = configFields[field] === 'text';
  if (isText && typeof value === 'string' && !isLine(value, textCharsMax))
    throw invalid({ path: field, message: `must be 1 to ${textCharsMax} characters in one line` });
  const read = strictConfigScope({ [field]: value });
  if (!read.ok) throw invalid(...read.faults);
  return read.value[field];
}

/** Text without control characters, not empty and not too long. */
export const isLine = (text: string, charsMax: number): boolean =>
  text.length > 0 && text.length <= charsMax && !/\p{Cc}/u.test(text);

function invalid(...faults: readonly Fault[]): FleetError {
  const said = faults.map(({ path, message }) => `${path} ${message}`).join('; ');
  return new FleetError('config_invalid', said, { faults });
}
