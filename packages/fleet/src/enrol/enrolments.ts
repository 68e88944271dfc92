/** Machines that were enrolled, and whose each key is, in the bucket `enrolments`. */
import {
  buckets,
  type EnrolledKey,
  type Enrolment,
  enrolledKey,
  readEnrolledKey,
  readEnrolment,
} from '@kanade/shared/fleet';
import { changeStored, objectIn, type Place, readStored, type StoredValue } from '../config/stored-value.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';

const placeOf = (key: string): Place => ({ bucket: buckets.enrolments, key });

/** The machine of that id; undefined when none ever was. Throws FleetError `stored_unreadable`. */
export async function enrolmentOf(fleet: Fleet, pc: string, signal?: AbortSignal): Promise<Enrolment | undefined> {
  return enrolmentIn(await readStored(fleet, placeOf(pc), signal), pc);
}

/** Whose a key is. */
export async function ownerOf(fleet: Fleet, publicKey: string): Promise<EnrolledKey | undefined> {
  return ownerIn(await readStored(fleet, placeOf(enrolledKey(publicKey))), publicKey);
}

/** Changes what is known of a machine, of a key; `make` returns undefined to leave it. */
export function changeEnrolment<T>(
  fleet: Fleet,
  pc: string,
  make: (before: Enrolment | undefined) => { value: Enrolment | undefined; told: T },
): Promise<T> {
  return change(fleet, placeOf(pc), (before) => make(enrolmentIn(before, pc)));
}

export function changeOwner<T>(
  fleet: Fleet,
  publicKey: string,
  make: (before: EnrolledKey | undefined) => { value: EnrolledKey | undefined; told: T },
): Promise<T> {
  return change(fleet, placeOf(enrolledKey(publicKey)), (before) => make(ownerIn(before, publicKey)));
}

const change = <T>(
  fleet: Fleet,
  place: Place,
  make: (before: StoredValue) => { value: object | undefined; told: T },
): Promise<T> =>
  changeStored(fleet, place, {
    change(before) {
      const { value, told } = make(before);
      return { value: value && JSON.stringify(value), told };
    },
  });

function enrolmentIn({ bytes }: StoredValue, pc: string): Enrolment | undefined {
  if (bytes === undefined) return undefined;
  const read = readEnrolment(objectIn(bytes));
  if (read.ok) return read.value;
  throw unreadable(pc);
}

function ownerIn({ bytes }: StoredValue, key: string): EnrolledKey | undefined {
  if (bytes === undefined) return undefined;
  const read = readEnrolledKey(objectIn(bytes));
  if (read.ok) return read.value;
  throw unreadable(enrolledKey(key));
}

const unreadable = (key: string): FleetError =>
  new FleetError(
    'stored_unreadable',
    `what stands at ${key} of ${buckets.enrolments} is no enrolment; look at it by hand`,
  );
