/** Help of the program, of a door, of a group of commands and of one command. Loaded on demand. */
import {
  type Command,
  calledAs,
  type Door,
  globalOptions,
  type House,
  type OptionTable,
  type Parsed,
  parseWords,
  UsageError,
} from './command.ts';

/** How options can be written besides. */
const shortOf: Readonly<Record<string, string>> = { verbose: ', -v', help: ', -h' };

/** The words by which a door is called. */
const wordsOf = (program: string, { name }: Door): string => [program, name].filter(Boolean).join(' ');

/** Help of a whole door; of the local one, of the program. */
export function doorHelp(program: string, door: Door, house: House): string {
  const call = wordsOf(program, door);
  return [
    `${call} ${door.summary}.`,
    '',
    `Usage: ${call} COMMAND [OPTIONS]`,
    '',
    ...(door.name === '' ? programLines(program, house) : memberLines(door.commands)),
    '',
    'Options of every command:',
    ...optionLines({ ...door.options, ...globalOptions }),
    ...(door.name === '' ? ['  --version, -V              version, runtime, platform and contract'] : []),
    '',
    ...door.notes,
    door.name === ''
      ? `${program} help COMMAND shows one command with examples. Answers are one line of JSON on stdout.`
      : `${call} COMMAND --help shows one command with examples. Answers are for people on a terminal, else one line of JSON.`,
    '',
  ].join('\n');
}

function programLines(program: string, { local, otherDoors, otherPrograms }: House): string[] {
  const others = [
    ...otherDoors.map(({ name, summary }) => ({ name, summary })),
    ...(program === 'kanade' ? otherPrograms : []),
  ];
  return [
    'On this machine, with no agent and no broker:',
    ...local.commands.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`),
    '',
    'Other doors:',
    ...others.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary} (${program} ${name} --help)`),
  ];
}

const memberLines = (members: readonly Command[]): string[] =>
  members.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(32)} ${summary}`);

/** Help of one command. */
export function commandHelp(program: string, door: Door, command: Command): string {
  const call = `${wordsOf(program, door)} ${command.name}`;
  const { summary, usage, options, notes = [], examples } = command;
  return [
    `${call}: ${summary}`,
    '',
    `Usage: ${call} [OPTIONS] ${usage}`.trimEnd(),
    '',
    'Options:',
    ...optionLines({ ...options, ...door.options, ...globalOptions }),
    ...notes.flatMap((note) => ['', calledAs(program, note)]),
    ...(examples.length > 0 ? ['', 'Examples:', ...examples.map((line) => `  ${calledAs(program, line)}`)] : []),
    '',
  ].join('\n');
}

/** One line per option. */
function optionLines(table: OptionTable): string[] {
  return Object.entries(table).map(
    ([name, { help, value }]) =>
      `  --${(value ? `${name} ${value}` : `${name}${shortOf[name] ?? ''}`).padEnd(24)} ${help}`,
  );
}

interface InGroup {
  readonly command: Command;
  readonly rest: readonly string[];
  /** Options of every command that stood between the two words. */
  readonly between: Parsed['values'];
}

/**
 * First words that are no command by themselves, such as `tag`: the second one decides. Gives the command that is meant, or a
 * help text about the group. Throws {@link UsageError} for words that name neither.
 */
export function lookInGroup(words: readonly string[], door: Door, program: string): InGroup | string {
  const [group = '', ...behind] = words;
  const members = door.commands.filter(({ name }) => name.startsWith(`${group} `));
  if (members.length === 0) throw new UsageError(`unknown command ${JSON.stringify(group)}`, group);
  const table = { ...globalOptions, ...door.options };
  const { values: between, words: inner } = parseWords(behind, table, { stopAtWord: true });
  const command = members.find(({ name }) => name === `${group} ${inner[0]}`);
  if (command) return { command, rest: inner.slice(1), between };
  if (between.help) {
    const call = wordsOf(program, door);
    return [`Usage: ${call} ${group} COMMAND [OPTIONS]`, '', ...memberLines(members), ''].join('\n');
  }
  const names = members.map(({ name }) => `"${name}"`).join(', ');
  throw new UsageError(`unknown command ${JSON.stringify(group)}: give one of ${names}`);
}
