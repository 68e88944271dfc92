/** What is said behind a usage error: what may have been meant, and where the help is. Loaded on demand. */
import { type Command, type Door, globalOptions, type House, type UsageError } from './command.ts';

export interface Misuse {
  /** The name that the program was called by. */
  readonly program: string;
  readonly house: House;
  readonly door: Door;
  readonly command?: Command;
}

/** The text for standard error. */
export function adviceOn({ message, typed }: UsageError, { program, house, door, command }: Misuse): string {
  const known = typed === undefined ? [] : typed.startsWith('-') ? optionsOf(door, command) : wordsOf(door, house);
  const meant = typed === undefined ? [] : likely(typed, known);
  const hint = meant.length > 0 ? `; did you mean ${meant.join(' or ')}?` : '';
  const call = [program, door.name, command?.name].filter(Boolean).join(' ');
  return `error: ${message}${hint}\n\n${call} --help shows the usage\n`;
}

const optionsOf = (door: Door, command: Command | undefined): string[] =>
  Object.keys({ ...globalOptions, ...door.options, ...command?.options }).map((name) => `--${name}`);

/** First words of commands; at the front door also those of the other doors. */
function wordsOf(door: Door, { local, otherDoors, otherPrograms }: House): string[] {
  const others = door === local ? [...otherDoors, ...otherPrograms].map(({ name }) => name) : [];
  const own = door.commands.map(({ name }) => name.split(' ')[0] ?? '');
  return [...new Set([...own, ...Object.keys(door.aliases), 'help', ...others])];
}

/** Most words that are offered. */
const offeredMax = 3;

/** The known words that are nearest to what was typed; none when all are far. Pure. */
export function likely(typed: string, known: readonly string[]): string[] {
  const word = typed.toLowerCase();
  const letters = word.replace(/^-+/, '').length;
  const farthest = letters < 3 ? 1 : Math.floor(letters / 3) + 1;
  const rated = known.map((name) => ({ name, far: distance(word, name) })).filter(({ far }) => far <= farthest);
  const nearest = Math.min(...rated.map(({ far }) => far));
  return rated
    .filter(({ far }) => far === nearest)
    .slice(0, offeredMax)
    .map(({ name }) => name);
}

/** Letters to add, take, change or swap with their neighbour to make one word of the other. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let row = 1; row <= from.length; row++) {
    const next = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      next[column] = Math.min(
        (last[column] ?? 0) + 1,
        (next[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    [before, last] = [last, next];
  }
  return last[to.length] ?? 0;
}
