import type { OptionTable } from '../call/arguments.ts';
import { describe, optionLines } from '../call/help.ts';
import type { FleetCommand } from './command.ts';

/** Options of every fleet command, before or after its name. */
export const fleetOptions = {
  server: { kind: 'text', value: 'URL', help: 'the broker (default: KANADE_NATS_URL, else nats://127.0.0.1:4222)' },
  help: { kind: 'flag', help: 'show this help' },
} as const satisfies OptionTable;

export function fleetHelp(commands: readonly FleetCommand[]): string {
  const lines = commands.map(({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(38)} ${summary}`);
  return [
    'kanade fleet orders jobs on other machines over NATS JetStream, and follows how they end.',
    '',
    'Usage: kanade fleet COMMAND [OPTIONS]',
    '',
    ...lines,
    '',
    'Options of every command:',
    ...optionLines(fleetOptions),
    '',
    'The token for the broker comes from KANADE_NATS_TOKEN, never from the command line.',
    'kanade fleet COMMAND --help shows one command with examples. Answers are one line of JSON on stdout.',
    '',
  ].join('\n');
}

export const fleetCommandHelp = (command: FleetCommand): string =>
  describe({
    ...command,
    call: `kanade fleet ${command.name}`,
    options: { ...command.options, ...fleetOptions },
  });
