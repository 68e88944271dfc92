/** First words that are no command by themselves, such as `tag`: the second one decides. Loaded on demand. */
import { globalOptions, type Parsed, parseWords, UsageError } from './arguments.ts';
import type { CommandSpec } from './command.ts';

export interface InGroup {
  readonly command: CommandSpec;
  readonly rest: readonly string[];
  /** Options of every command that stood between the two words. */
  readonly between: Parsed['values'];
}

/** The command that is meant, or a help text about the group. Throws {@link UsageError} for words that name neither. */
export function lookInGroup(words: readonly string[], commands: readonly CommandSpec[]): InGroup | string {
  const [group = '', ...behind] = words;
  const members = commands.filter(({ name }) => name.startsWith(`${group} `));
  if (members.length === 0) throw new UsageError(`unknown command ${JSON.stringify(group)}`);
  const { values: between, words: inner } = parseWords(behind, globalOptions, { stopAtWord: true });
  const command = members.find(({ name }) => name === `${group} ${inner[0]}`);
  if (command) return { command, rest: inner.slice(1), between };
  if (between.help) return groupHelp(group, members);
  const names = members.map(({ name }) => `"${name}"`).join(', ');
  throw new UsageError(`unknown command ${JSON.stringify(group)}: give one of ${names}`);
}

/** What a group has. */
export function groupHelp(group: string, members: readonly CommandSpec[]): string {
  const lines = members.map(({ name, usage, summary }) => `  ${`${name} [OPTIONS] ${usage}`.padEnd(32)} ${summary}`);
  return [`Usage: kanade ${group} COMMAND [OPTIONS]`, '', ...lines, ''].join('\n');
}
