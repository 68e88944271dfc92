/** The fleet-wide stop for schedules. */
import { buckets, decodeFreeze, isFrozen, storeKeys, strictFreeze } from '@kanade/shared/fleet';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { changeStored, readStored, type StoredValue } from './stored-value.ts';

/**
 * How the stop stands: nobody asked for one; it begins later; it is in force; it is over; it is in force because nobody can read
 * what was asked for.
 */
export type FreezeState = 'none' | 'ahead' | 'frozen' | 'over' | 'unreadable';

export interface FreezeStatus {
  readonly state: FreezeState;
  /** Schedules stand still now. */
  readonly frozen: boolean;
  /** RFC 3339; absent = open at that end. `from` belongs to it, `until` does not. */
  readonly from?: string;
  readonly until?: string;
}

interface Asked {
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
}

const place = { bucket: buckets.fleetConfig, key: storeKeys.freeze } as const;

/** How the stop for schedules stands. Throws FleetError. */
export async function readFreeze(fleet: Fleet, { nowMs, signal }: Asked): Promise<FreezeStatus> {
  try {
    return statusOf(await readStored(fleet, place, signal), nowMs);
  } catch (error) {
    throw translate(error, 'reading the freeze', signal);
  }
}

/**
 * Stops schedules, at once or in a window, in place of what stood there; returns how it stood and how it stands. Throws FleetError
 * `freeze_invalid` for a window that is none or is over.
 */
export async function setFreeze(
  fleet: Fleet,
  { from, until, nowMs, signal }: Asked & { from?: string | undefined; until?: string | undefined },
): Promise<{ before: FreezeStatus; now: FreezeStatus }> {
  const window = { ...(from === undefined ? {} : { from }), ...(until === undefined ? {} : { until }) };
  const read = strictFreeze(window);
  if (!read.ok) {
    const said = read.faults.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new FleetError('freeze_invalid', said);
  }
  if (until !== undefined && Date.parse(until) <= nowMs)
    throw new FleetError('freeze_invalid', `until must be ahead: ${until}`);
  const value = JSON.stringify(window);
  return change(fleet, { value, nowMs, signal });
}

/** Lets schedules go on; returns how the stop stood. */
export async function clearFreeze(fleet: Fleet, asked: Asked): Promise<FreezeStatus> {
  return (await change(fleet, { ...asked, value: null })).before;
}

async function change(
  fleet: Fleet,
  { value, nowMs, signal }: Asked & { value: string | null },
): Promise<{ before: FreezeStatus; now: FreezeStatus }> {
  const bytes = value === null ? undefined : new TextEncoder().encode(value);
  const now = statusOf({ bytes, revision: 0 }, nowMs);
  const asked = (stored: StoredValue) => ({ value, told: { before: statusOf(stored, nowMs), now } });
  try {
    return await changeStored(fleet, place, { signal, change: asked });
  } catch (error) {
    throw translate(error, value === null ? 'clearing the freeze' : 'setting the freeze', signal);
  }
}

function statusOf({ bytes }: StoredValue, nowMs: number): FreezeStatus {
  if (bytes === undefined) return { state: 'none', frozen: false };
  const freeze = decodeFreeze(bytes);
  if (!freeze) return { state: 'unreadable', frozen: true };
  const frozen = isFrozen(bytes, nowMs);
  const { from, until } = freeze;
  const isAhead = !frozen && from && nowMs < Date.parse(from);
  const window = { ...(from ? { from } : {}), ...(until ? { until } : {}) };
  return { state: frozen ? 'frozen' : isAhead ? 'ahead' : 'over', frozen, ...window };
}
