/** The support codes of a fleet, at `support_codes` of `fleet_config`. The codes themselves stand nowhere. */
import { buckets, SupportCode, storeKeys, supportCodesMax, supportMinutesOf } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import { changeStored, readStored, type StoredValue, storedObject } from '../config/stored-value.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { hashCode } from './code-hash.ts';

/** A code as an operator may see it. */
export interface ListedCode {
  readonly scope: string;
  readonly label?: string;
  readonly ttl_minutes: number;
  readonly disabled: boolean;
}

export interface NewCode {
  readonly scope: string;
  readonly code: string;
  readonly label?: string | undefined;
  /** How long it opens the scope; clamped to 1 to 480. Default 15. */
  readonly ttlMinutes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Characters of a code, at least: shorter ones are guessed. */
export const codeCharsMin = 8;

const place = { bucket: buckets.fleetConfig, key: storeKeys.supportCodes } as const;

/** Sets the code of a scope, in place of the one it had. Says whether it had one. Throws FleetError `code_too_short`, `too_large`. */
export async function setSupportCode(fleet: Fleet, asked: NewCode): Promise<{ set: ListedCode; replaced: boolean }> {
  const { scope, code, label, ttlMinutes, signal } = asked;
  checkId('a scope', scope);
  if ([...code].length < codeCharsMin)
    throw new FleetError('code_too_short', `a code has at least ${codeCharsMin} characters`);
  const stored = {
    scope,
    hash: await hashCode(code),
    ...(label === undefined ? {} : { label }),
    ...(ttlMinutes === undefined ? {} : { ttl_minutes: supportMinutesOf({ ttl_minutes: ttlMinutes }) }),
  };
  return change(fleet, signal, (codes) => {
    const others = codes.filter((one) => one.scope !== scope);
    if (others.length >= supportCodesMax)
      throw new FleetError('too_large', `there are ${others.length} scopes: at most ${supportCodesMax}; remove one`);
    return { codes: [...others, stored], told: { set: listed(stored), replaced: others.length < codes.length } };
  });
}

/** Takes the code of a scope away: what it has opened stays open until its time is over. False when it had none. */
export async function removeSupportCode(fleet: Fleet, scope: string, signal?: AbortSignal): Promise<boolean> {
  checkId('a scope', scope);
  return change(fleet, signal, (codes) => {
    const others = codes.filter((one) => one.scope !== scope);
    return { codes: others, told: others.length < codes.length };
  });
}

/** The scopes that have a code, by name. Throws FleetError. */
export async function listSupportCodes(fleet: Fleet, signal?: AbortSignal): Promise<ListedCode[]> {
  try {
    const codes = codesIn(await readStored(fleet, place, signal));
    return codes.map(listed).sort((a, b) => (a.scope < b.scope ? -1 : 1));
  } catch (error) {
    throw translate(error, 'reading the support codes', signal);
  }
}

function listed(code: SupportCode): ListedCode {
  const { scope, label, disabled } = code;
  return { scope, ...(label ? { label } : {}), ttl_minutes: supportMinutesOf(code), disabled: disabled === true };
}

/** What others wrote into it stays, as far as it can be read. */
async function change<T>(
  fleet: Fleet,
  signal: AbortSignal | undefined,
  make: (codes: SupportCode[]) => { codes: SupportCode[]; told: T },
): Promise<T> {
  try {
    return await changeStored(fleet, place, {
      signal,
      change(before) {
        const { codes, told } = make(codesIn(before));
        return { value: JSON.stringify({ ...storedObject(before, place), support_codes: codes }), told };
      },
    });
  } catch (error) {
    throw translate(error, 'changing the support codes', signal);
  }
}

function codesIn(stored: StoredValue): SupportCode[] {
  const { support_codes = [] } = storedObject(stored, place);
  const read = SupportCode.array().safeParse(support_codes);
  if (read.success) return read.data;
  const what = `what stands at ${place.key} of ${place.bucket} is no list of codes`;
  throw new FleetError('stored_unreadable', `${what}; look at it by hand`);
}
