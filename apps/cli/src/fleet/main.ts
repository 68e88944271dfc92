/** `kanade fleet …`: parses, connects, runs one command, prints one answer, returns the exit code. */
import { connectFleet } from '@kanade/fleet';
import { printAnswer } from '../answer/envelope.ts';
import { type OptionTable, parseWords, UsageError } from '../call/arguments.ts';
import { agents } from '../commands/fleet/agents.ts';
import { exec } from '../commands/fleet/exec.ts';
import { printFailure } from '../commands/fleet/failure.ts';
import { jobList } from '../commands/fleet/job-list.ts';
import { jobPut } from '../commands/fleet/job-put.ts';
import { jobRemove } from '../commands/fleet/job-remove.ts';
import { kill } from '../commands/fleet/kill.ts';
import { ping } from '../commands/fleet/ping.ts';
import { setup } from '../commands/fleet/setup.ts';
import type { Io } from '../io.ts';
import type { FleetCommand, FleetContext } from './command.ts';
import { fleetCommandHelp, fleetHelp, fleetOptions } from './help.ts';

const commands: readonly FleetCommand[] = [setup, jobPut, jobList, jobRemove, exec, kill, ping, agents];

const serverDefault = 'nats://127.0.0.1:4222';

/**
 * Runs one call, `args` being the words behind `fleet`. Returns 0 (answered; how a job ended on its machine is part of
 * the answer), 1 (answered with an error), 2 (the call makes no sense; stdout stays empty).
 */
export async function runFleet(args: readonly string[], io: Io): Promise<number> {
  try {
    const { values: leading, words } = parseWords(args, fleetOptions, { stopAtWord: true });
    if (words.length === 0) {
      (leading.help ? io.stdout : io.stderr)(fleetHelp(commands));
      return leading.help ? 0 : 2;
    }
    const { command, rest } = findCommand(words);
    const table: OptionTable = { ...command.options, ...fleetOptions };
    const { values, words: positional } = parseWords(rest, table);
    if (values.help || leading.help) {
      io.stdout(fleetCommandHelp(command));
      return 0;
    }
    const work = command.plan(values as never, positional);
    const server = serverOf((values.server ?? leading.server) as string | undefined, io);
    printAnswer(io, await work(contextOf(server, io)));
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      io.stderr(`error: ${error.message}\n\nkanade fleet --help shows the usage\n`);
      return 2;
    }
    printFailure(io, error);
    return 1;
  }
}

function findCommand(words: readonly string[]): { command: FleetCommand; rest: readonly string[] } {
  for (const length of [2, 1]) {
    const name = words.slice(0, length).join(' ');
    const command = commands.find((known) => known.name === name);
    if (command) return { command, rest: words.slice(length) };
  }
  throw new UsageError(`unknown command ${JSON.stringify(words.slice(0, words[0] === 'job' ? 2 : 1).join(' '))}`);
}

function serverOf(given: string | undefined, { env }: Io): string {
  if (given !== undefined && /\/\/[^/]*@/.test(given)) {
    throw new UsageError(
      'option --server must hold no user or token: everybody can read a command line; use KANADE_NATS_TOKEN',
    );
  }
  return given ?? (env.KANADE_NATS_URL || serverDefault);
}

function contextOf(server: string, io: Io): FleetContext {
  const token = io.env.KANADE_NATS_TOKEN || undefined;
  return {
    io,
    server: server.replace(/\/\/[^/]*@/, '//'),
    withFleet: async (use) => {
      await using fleet = await connectFleet({ servers: server, name: 'kanade-cli', token, signal: io.signal });
      return await use(fleet);
    },
  };
}
