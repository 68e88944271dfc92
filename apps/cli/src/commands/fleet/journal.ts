/** Looking into what streams tell of the past, and following it. */
import type { Journal } from '@kanade/fleet';
import { printable } from '../../answer/ink.ts';
import { type Answer, type Context, UsageError } from '../../call/command.ts';
import { type Connected, withFleet } from './connect.ts';

const limitDefault = 20;
const limitMax = 10_000;

export const journalOptions = {
  limit: { kind: 'count', value: 'N', help: `how many of the newest (default: ${limitDefault})` },
  follow: { kind: 'flag', help: 'go on with each that comes, one line each, until Ctrl-C' },
} as const;

export interface Look<T> {
  readonly type: string;
  open(library: Connected): Journal<T>;
  /** A record in one line, for people. */
  lineOf(record: T): string;
  readonly limit: number | undefined;
  readonly follow: boolean | undefined;
}

/** The newest records as an answer, or all that come as lines. */
export function lookInto<T>(look: Look<T>, context: Context): Promise<Answer | string> {
  const { type, limit = limitDefault, follow } = look;
  if (limit < 1 || limit > limitMax) throw new UsageError(`option --limit must be between 1 and ${limitMax}: ${limit}`);
  const { signal } = context.io;
  return withFleet(context, async (connected) => {
    const journal = look.open(connected);
    const { found, complete, lastSequence } = await connected.readJournal(connected.fleet, journal, { limit, signal });
    if (!follow) return { type, records: found, complete };
    await printAll(connected, { look, journal, found, lastSequence }, context);
    return '';
  });
}

interface Found<T> {
  readonly look: Look<T>;
  readonly journal: Journal<T>;
  readonly found: readonly T[];
  readonly lastSequence: number;
}

async function printAll<T>(
  { fleet, followJournal }: Connected,
  { look, journal, found, lastSequence }: Found<T>,
  { io, tellsEnding }: Context,
): Promise<void> {
  // Told to people, or to who asked for the exit code of a job, which nobody can here.
  const print = (record: T): void =>
    io.stdout(`${tellsEnding ? printable(look.lineOf(record)) : JSON.stringify(record)}\n`);
  for (const record of found.toReversed()) print(record);
  try {
    for await (const record of followJournal(fleet, journal, { after: lastSequence, signal: io.signal })) {
      print(record);
      if (io.isUnread?.()) return;
    }
  } catch (error) {
    if (!io.signal.aborted || error !== io.signal.reason) throw error;
  }
}
