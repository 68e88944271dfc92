import { UsageError } from '../../call/arguments.ts';

/** The one positional word of a call. Throws UsageError when there is none, or more. */
export function oneWord(words: readonly string[], name: string): string {
  const [word, extra] = words;
  if (word === undefined || word === '') throw new UsageError(`${name} is missing`);
  if (extra !== undefined) throw new UsageError(`exactly one ${name} is taken, this is one more: ${extra}`);
  return word;
}

/** Throws UsageError when there are positional words. */
export function noWords([extra]: readonly string[]): void {
  if (extra !== undefined) throw new UsageError(`no word is taken here: ${extra}`);
}

/** Seconds of an option as ms, at least one second; undefined when the option was not given. */
export function secondsOption(name: string, seconds: number | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (seconds < 1 || seconds > secondsMax) {
    throw new UsageError(`option --${name} must be between 1 and ${secondsMax} seconds: ${seconds}`);
  }
  return seconds * 1000;
}

/** Longest wait that may be asked for, in seconds: a week, the age that orders reach on the broker. */
const secondsMax = 604_800;
