/** What is looked for in the lines of a stream. A line costs what its length says, whatever the pattern: nobody stalls us with either. */
import { JobError } from '../job-error.ts';
import { type Automaton, createAutomaton } from './pattern/automaton.ts';
import { PatternError, parsePattern } from './pattern/parse.ts';
import { compilePattern } from './pattern/program.ts';

export interface LineMatch {
  readonly pattern: string;
  readonly match_type: 'contains' | 'regex';
  readonly stream: 'stdout' | 'stderr' | 'either';
}

export interface LineTest {
  /** Does a line of a stream satisfy the match? Holds the event loop up for some 20 ms at the most. */
  matches(stream: 'stdout' | 'stderr', line: string): boolean | Promise<boolean>;
}

/** Throws `invalid_pattern` for an expression that is none, or none that takes linear time. */
export function createLineTest(match: LineMatch): LineTest {
  const test = match.match_type === 'contains' ? containing(match.pattern) : automatic(automatonOf(match.pattern));
  return {
    matches: (stream, line) => (match.stream === 'either' || match.stream === stream) && test(line),
  };
}

const containing = (pattern: string) => (line: string) => line.includes(pattern);

function automatonOf(pattern: string): Automaton {
  try {
    return createAutomaton(compilePattern(parsePattern(pattern)));
  } catch (cause) {
    if (!(cause instanceof PatternError)) throw cause;
    throw new JobError('invalid_pattern', `the pattern cannot be matched: ${cause.message}`, { cause });
  }
}

/** Characters of a line that are looked at in one go, and how long one may go on before others have their turn, in ms. */
const [feedLength, turnMs] = [512, 10];

function automatic(automaton: Automaton): (line: string) => boolean | Promise<boolean> {
  return (line) => {
    const run = automaton.begin();
    if (line.length <= feedLength) return run.feed(line) || run.end();
    return feedLong(line, run);
  };
}

async function feedLong(line: string, run: ReturnType<Automaton['begin']>): Promise<boolean> {
  let turnEndsMs = performance.now() + turnMs;
  for (let at = 0; at < line.length; ) {
    let end = Math.min(line.length, at + feedLength);
    if (/[\uD800-\uDBFF]/.test(line[end - 1] ?? '')) end = Math.min(line.length, end + 1);
    if (run.feed(line.slice(at, end))) return true;
    at = end;
    if (performance.now() < turnEndsMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turnEndsMs = performance.now() + turnMs;
  }
  return run.end();
}
