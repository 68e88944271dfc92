/** The command line: parses, runs one command, prints one answer, returns the exit code. */
import { JobError } from '@kanade/runner';
import { globalOptions, type OptionTable, parseWords, UsageError } from './arguments.ts';
import type { CommandSpec, Context } from './command.ts';
import { kill } from './commands/kill.ts';
import { list } from './commands/list.ts';
import { run } from './commands/run.ts';
import { serveRoot } from './commands/serve-root.ts';
import { status } from './commands/status.ts';
import { tail } from './commands/tail.ts';
import { wait } from './commands/wait.ts';
import { commandHelp, programHelp } from './help.ts';
import type { Io } from './io.ts';
import { printAnswer, printError } from './output.ts';
import { jobsRoot } from './root.ts';

export type { Io } from './io.ts';
export { processIo } from './process-io.ts';
export { versionLine } from './version.ts';

/** Commands that the help shows, in its order. */
const commands: readonly CommandSpec[] = [run, status, wait, tail, list, kill];

/** Who we are, for `--version` and the help. */
export interface Program {
  /** The name it was called by: `kanade` or `agent-exec`. */
  readonly name: string;
  /** One line: version, runtime, platform. */
  readonly version: string;
}

/** Runs one call. Returns 0 (answered), 1 (answered with an error), 2 (the call makes no sense; stdout stays empty). */
export async function main(args: readonly string[], io: Io, program: Program): Promise<number> {
  const startedMs = performance.now();
  try {
    const { values: leading, words } = parseWords(
      args,
      { ...globalOptions, version: { kind: 'flag', help: '' } },
      { stopAtWord: true },
    );
    const [name, ...rest] = words;
    if (leading.version) return say(io.stdout, `${program.name} ${program.version}\n`);
    if (name === 'fleet') return (await import('./fleet/main.ts')).runFleet(rest, io);
    if (leading.help || name === 'help') return help(io, program, rest[0]);
    if (name === undefined) return say(io.stderr, programHelp(program.name, commands), 2);
    const command = [...commands, serveRoot].find((known) => known.name === name);
    if (!command) throw new UsageError(`unknown command ${JSON.stringify(name)}`);
    return await execute(command, { rest, leading, io, program, startedMs });
  } catch (error) {
    return fail(error, io, program);
  }
}

interface Call {
  readonly rest: readonly string[];
  readonly leading: Record<string, unknown>;
  readonly io: Io;
  readonly program: Program;
  readonly startedMs: number;
}

async function execute(command: CommandSpec, { rest, leading, io, program, startedMs }: Call): Promise<number> {
  const table: OptionTable = { ...globalOptions, ...command.options };
  const { values, words } = parseWords(rest, table, { stopAtWord: command.stopAtWord ?? false });
  if (values.help) return say(io.stdout, commandHelp(program.name, command));
  if (values.yaml || leading.yaml) throw new UsageError('--yaml is not built yet');
  const root = jobsRoot((values.root ?? leading.root) as string | undefined, io.env);
  const context: Context = { root, cwd: process.cwd(), io, startedMs };
  printAnswer(io, await command.run(values as never, words, context));
  return 0;
}

function help(io: Io, program: Program, name: string | undefined): number {
  if (name === undefined) return say(io.stdout, programHelp(program.name, commands));
  const command = commands.find((known) => known.name === name);
  if (!command) throw new UsageError(`unknown command ${JSON.stringify(name)}`);
  return say(io.stdout, commandHelp(program.name, command));
}

function say(write: (text: string) => void, text: string, code = 0): number {
  write(text);
  return code;
}

function fail(error: unknown, io: Io, program: Program): number {
  if (error instanceof UsageError)
    return say(io.stderr, `error: ${error.message}\n\n${program.name} --help shows the usage\n`, 2);
  if (error instanceof JobError) printError(io, error);
  else printError(io, { code: 'internal_error', message: error instanceof Error ? error.message : String(error) });
  return 1;
}
