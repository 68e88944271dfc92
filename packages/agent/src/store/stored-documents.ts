/** Documents of the fleet as the broker holds them: what cannot be read counts as the least that could be meant. */
import { AgentGroups, isToken, type SupportCode, SupportCodes } from '@kanade/shared/fleet';

/** Groups of a machine; undefined for an entry that says nothing. */
export function parseGroups(text: string | undefined): AgentGroups | undefined {
  if (text === undefined) return undefined;
  try {
    const groups = AgentGroups.parse(JSON.parse(text));
    // They become part of subjects; an entry with one that cannot be counts like all that cannot be read.
    return groups.groups.every(isToken) ? groups : undefined;
  } catch {
    return undefined; // fail closed: it says that this machine is in none
  }
}

/** Settings of a backend hold their codes under the same key. */
export function codesIn(text: string | undefined): readonly SupportCode[] {
  if (text === undefined) return [];
  try {
    return SupportCodes.parse(JSON.parse(text)).support_codes;
  } catch {
    return []; // fail closed: nobody opens anything
  }
}
