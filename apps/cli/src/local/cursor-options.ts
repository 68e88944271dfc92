/** Options of who comes back with a cursor, or waits for a line. */
import type { LineMatch } from '@kanade/runner';
import { type Options, UsageError } from '../call/command.ts';
import { lineMatchOf } from '../door/line-match.ts';
import { oneOf } from './definition.ts';

export const cursorOption = {
  cursor: { kind: 'text', value: 'C', help: 'what came since the answer that had this cursor' },
} as const;

/** What the help says of cursors. */
export const cursorRule = `Each answer has a cursor: where what it tells ends. With --cursor the next one begins there, in whatever process and however
much later: nothing is lost and nothing repeated. Such an answer has events (started, ended), more (there is more to read right now), ended
(the job has ended, and with this all was told), and noticed: restarted, when the job was run again (its output is told from the beginning),
or shortened, when output that had been told is gone. Of output that was not kept stdout_omitted and stderr_omitted have the range.`;

export const matchOption = {
  match: { kind: 'text', value: 'PATTERN', help: 'return as soon as a line of its output has this' },
  'match-type': {
    kind: 'text',
    value: 'TYPE',
    values: ['contains', 'regex'],
    help: 'contains or regex (default contains)',
  },
  stream: {
    kind: 'text',
    value: 'S',
    values: ['stdout', 'stderr', 'either'],
    help: 'where to look: stdout, stderr or either (default either)',
  },
} as const;

/** What the help says of waiting for a line. */
export const matchRule = `With --match the answer has matched: stream, line and offset (in bytes) of the first line, from the beginning or from --cursor on,
that has the pattern; null when there was none. Its cursor stands behind that line: with it the next call finds the next one. A line counts when it
is complete, or the job has ended; one of more than 64 KiB is looked at in pieces. A regex is unanchored, minds the case unless it begins with (?i),
and is matched in linear time: back references and look-around are refused. The exit code is 0 for a match, 3 when the job ended without one, and
124 when the time was over; 1 for an error.`;

type MatchGiven = Options<typeof matchOption>;

/** What is waited for; undefined when no line is. Throws `UsageError`. */
export function matchOf({ match, 'match-type': type, stream }: MatchGiven): LineMatch | undefined {
  oneOf('--match-type', type, ['contains', 'regex']);
  oneOf('--stream', stream, ['stdout', 'stderr', 'either']);
  if (match === undefined && (type ?? stream) !== undefined)
    throw new UsageError('--match-type and --stream say how --match looks: give it, too');
  if (match?.includes('\n'))
    throw new UsageError('--match looks at one line after the other: it cannot have a newline');
  return lineMatchOf({ match, type: type as LineMatch['match_type'], stream: stream as LineMatch['stream'] });
}
