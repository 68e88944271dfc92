/** What is looked for in the lines of a stream. */
export interface LineMatch {
  readonly pattern: string;
  readonly match_type: 'contains' | 'regex';
  readonly stream: 'stdout' | 'stderr' | 'either';
}

/** Does a line of a stream satisfy a match? An expression that is none never matches. */
export function matchesLine(config: LineMatch, stream: 'stdout' | 'stderr', line: string): boolean {
  if (config.stream !== 'either' && config.stream !== stream) return false;
  if (config.match_type === 'contains') return line.includes(config.pattern);
  return compile(config.pattern)?.test(line) ?? false;
}

function compile(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern, 'u');
  } catch {
    try {
      return new RegExp(pattern); // some patterns of other dialects are refused only by the strict mode
    } catch {
      return undefined;
    }
  }
}
