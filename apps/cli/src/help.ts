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

/** Help of one command. */
export function commandHelp(program: string, command: CommandSpec): string {
  const examples = command.examples.length > 0 ? ['', 'Examples:', ...command.examples.map((line) => `  ${line}`)] : [];
  return [
    `${program} ${command.name}: ${command.summary}`,
    '',
    `Usage: ${program} ${command.name} [OPTIONS] ${command.usage}`.trimEnd(),
    '',
    'Options:',
    ...optionLines({ ...command.options, ...globalOptions }),
    ...examples,
    '',
  ].join('\n');
}

function optionLines(table: OptionTable): string[] {
  return Object.entries(table).map(
    ([name, { help, value }]) =>
      `  --${(value ? `${name} ${value}` : `${name}${shortOf[name] ?? ''}`).padEnd(24)} ${help}`,
  );
}
