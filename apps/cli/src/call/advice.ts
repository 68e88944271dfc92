/** What is said behind a usage error: what may have been meant, and where the help is. Loaded on demand. */
import { likely } from '@kanade/shared/likely';
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
