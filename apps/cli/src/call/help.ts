import { globalOptions, type OptionTable } from './arguments.ts';
import type { CommandSpec } from './command.ts';

/** How options can be written besides. */
const shortOf: Readonly<Record<string, string>> = { verbose: ', -v', help: ', -h' };

/** Help of the whole program. */
export function programHelp(program: string, commands: readonly CommandSpec[]): string {
  const lines = commands.map((command) => `  ${command.name.padEnd(14)} ${command.summary}`);
  return [
    `${program} runs jobs and knows how every one of them ended.`,
    '',
    `Usage: ${program} COMMAND [OPTIONS]`,
    '',
    'On this machine, with no agent and no broker:',
    ...lines,
    '',
    'Other doors:',
    '  fleet          order jobs on other machines over NATS (kanade fleet --help)',
    '  outbox         look into files of undelivered records, and repair them (kanade outbox --help)',
    '  agent          the daemon that takes orders (kanade agent --help)',
    '  client         the Client App for the person at the machine (kanade client --help)',
    '',
    'Options of every command:',
    ...optionLines(globalOptions),
    '  --version, -V              version, runtime and platform',
    '',
    `${program} help COMMAND shows one command with examples. Answers are one line of JSON on stdout.`,
    '',
  ].join('\n');
}

/** What the help of one command says. */
export interface Described {
  /** How it is called: `kanade run`, `kanade fleet exec`. */
  readonly call: string;
  readonly summary: string;
  /** What stands behind the options. */
  readonly usage: string;
  readonly options: OptionTable;
  readonly examples: readonly string[];
}

/** Help of one command. */
export function describe({ call, summary, usage, options, examples }: Described): string {
  const shown = examples.length > 0 ? ['', 'Examples:', ...examples.map((line) => `  ${line}`)] : [];
  return [
    `${call}: ${summary}`,
    '',
    `Usage: ${call} [OPTIONS] ${usage}`.trimEnd(),
    '',
    'Options:',
    ...optionLines(options),
    ...shown,
    '',
  ].join('\n');
}

/** Help of one command on local jobs. */
export const commandHelp = (program: string, command: CommandSpec): string =>
  describe({ ...command, call: `${program} ${command.name}`, options: { ...command.options, ...globalOptions } });

/** One line per option. */
export function optionLines(table: OptionTable): string[] {
  return Object.entries(table).map(
    ([name, { help, value }]) =>
      `  --${(value ? `${name} ${value}` : `${name}${shortOf[name] ?? ''}`).padEnd(24)} ${help}`,
  );
}
