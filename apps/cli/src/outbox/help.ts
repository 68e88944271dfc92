import type { OptionTable } from '../call/arguments.ts';
import { describe, optionLines } from '../call/help.ts';
import type { OutboxCommand } from './command.ts';

/** Options of every outbox command, before or after its name. */
export const outboxOptions = {
  table: { kind: 'text', value: 'NAME', help: 'the outbox in the file (default: the only one)' },
  help: { kind: 'flag', help: 'show this help' },
} as const satisfies OptionTable;

export function outboxHelp(commands: readonly OutboxCommand[]): string {
  const lines = commands.map(({ name, usage, summary }) => `  ${`${name} FILE ${usage}`.padEnd(30)} ${summary}`);
  return [
    'kanade outbox looks into a file of records that wait for their delivery, and repairs it.',
    '',
    'Usage: kanade outbox COMMAND FILE [OPTIONS]',
    '',
    ...lines,
    '',
    'Options of every command:',
    ...optionLines(outboxOptions),
    '',
    'list, count, verify, export and drops only read; another process may hold the file meanwhile. replay, quarantine with IDs',
    'and drop change it in short transactions beside its owner. A file that is damaged or missing is reported, never replaced.',
    'kanade outbox COMMAND --help shows one command with examples. Answers are one line of JSON on stdout.',
    '',
  ].join('\n');
}

export const outboxCommandHelp = (command: OutboxCommand): string =>
  describe({
    ...command,
    call: `kanade outbox ${command.name}`,
    usage: `FILE ${command.usage}`.trimEnd(),
    options: { ...command.options, ...outboxOptions },
  });
