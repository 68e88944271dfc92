import { JobError, type LineMatch } from '@kanade/runner';

export interface SoughtLine {
  readonly match?: string | undefined;
  readonly type?: LineMatch['match_type'] | undefined;
  readonly stream?: LineMatch['stream'] | undefined;
}

/** The line that is waited for; undefined when none is. Throws `invalid_pattern` for what no line can have. */
export function lineMatchOf({ match, type, stream }: SoughtLine): LineMatch | undefined {
  if (match === undefined && type === undefined && stream === undefined) return undefined;
  if (match === undefined)
    throw new JobError('invalid_pattern', 'nothing is said of what a line shall match: give match, too');
  if (match.includes('\n'))
    throw new JobError('invalid_pattern', 'one line after the other is looked at: a pattern cannot have a newline');
  return { pattern: match, match_type: type ?? 'contains', stream: stream ?? 'either' };
}
