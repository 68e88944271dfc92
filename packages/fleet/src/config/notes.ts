/** Notes of operators about a machine: a small text for each key. */
import { AgentMeta, buckets, readAs } from '@kanade/shared/fleet';
import { checkId } from '../catalogue/bucket.ts';
import type { Fleet } from '../connection/connect-fleet.ts';
import { FleetError } from '../fault/fleet-error.ts';
import { translate } from '../fault/translate.ts';
import { type Changed, changeStored, readStored, type StoredValue, storedObject } from './stored-value.ts';

/** What a machine's notes hold at most: keys, characters of a key and of a text. */
export const noteLimits = { keysMax: 100, keyCharsMax: 64, textCharsMax: 4_096 } as const;

interface Asked {
  readonly signal?: AbortSignal | undefined;
}

/** The notes about a machine by key, sorted. Throws FleetError `stored_unreadable`. */
export async function readNotes(
  fleet: Fleet,
  pc: string,
  { signal }: Asked = {},
): Promise<ReadonlyMap<string, string>> {
  const place = placeOf(pc);
  try {
    return notesIn(await readStored(fleet, place, signal), place).notes;
  } catch (error) {
    throw translate(error, `reading the notes about ${pc}`, signal);
  }
}

/** Writes one note and returns what stood there; what others note at the same time stays. Throws FleetError `meta_invalid`. */
export async function setNote(
  fleet: Fleet,
  pc: string,
  { key, text, signal }: Asked & { key: string; text: string },
): Promise<string | undefined> {
  const place = placeOf(pc);
  checkNote(key, text);
  return changeNotes(fleet, place, {
    signal,
    change(notes) {
      const before = notes.get(key);
      if (before === undefined && notes.size >= noteLimits.keysMax)
        throw new FleetError('meta_invalid', `${pc} has ${notes.size} notes, at most ${noteLimits.keysMax}`);
      notes.set(key, text);
      return before;
    },
  });
}

/** Takes notes away and returns the keys of those that were there. */
export async function removeNotes(
  fleet: Fleet,
  pc: string,
  { keys, signal }: Asked & { keys: readonly string[] },
): Promise<readonly string[]> {
  return changeNotes(fleet, placeOf(pc), { signal, change: (notes) => keys.filter((key) => notes.delete(key)) });
}

interface Place {
  readonly bucket: string;
  readonly key: string;
}

const placeOf = (pc: string): Place => ({ bucket: buckets.agentMeta, key: checkId('a machine', pc) });

async function changeNotes<T>(
  fleet: Fleet,
  place: Place,
  { change, signal }: Asked & { change: (notes: Map<string, string>) => T },
): Promise<T> {
  try {
    return await changeStored(fleet, place, {
      signal,
      change: (stored): Changed<T> => {
        const { notes, rest } = notesIn(stored, place);
        const before = JSON.stringify([...notes]);
        const told = change(notes);
        const isSame = JSON.stringify([...notes]) === before;
        return { value: isSame ? undefined : JSON.stringify({ ...rest, entries: Object.fromEntries(notes) }), told };
      },
    });
  } catch (error) {
    throw translate(error, `changing the notes about ${place.key}`, signal);
  }
}

function notesIn(stored: StoredValue, place: Place): { notes: Map<string, string>; rest: Record<string, unknown> } {
  const rest = storedObject(stored, place);
  if (stored.bytes === undefined) return { notes: new Map(), rest };
  if (!readAs(AgentMeta, rest).ok)
    throw new FleetError('stored_unreadable', `the notes about ${place.key} cannot be read; look at them by hand`);
  const notes = Object.entries(rest.entries as Record<string, string>).sort(([a], [b]) => (a < b ? -1 : 1));
  return { notes: new Map(notes), rest };
}

function checkNote(key: string, text: string): void {
  const { keyCharsMax, textCharsMax } = noteLimits;
  if (key.length > keyCharsMax || !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(key)) {
    const rule = `1 to ${keyCharsMax} of A-Z a-z 0-9 _ . -, and begins with a letter or a digit`;
    throw new FleetError('meta_invalid', `the key of a note is ${rule}: ${JSON.stringify(key.slice(0, keyCharsMax))}`);
  }
  if (text.length > textCharsMax || /[^\P{Cc}\n\t]/u.test(text))
    throw new FleetError('meta_invalid', `the text of ${key} must be at most ${textCharsMax} characters of plain text`);
}
