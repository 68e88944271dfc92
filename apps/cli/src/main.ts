/** The command line: parses, runs one command, prints one answer, returns the exit code. */
import type { JobError } from '@kanade/runner';
import { globalOptions, type OptionTable, parseWords, UsageError } from './arguments.ts';
import type { CommandSpec, Context } from './command.ts';
import { create } from './commands/create.ts';
import { deleteCommand } from './commands/delete.ts';
import { gc } from './commands/gc.ts';
import { kill } from './commands/kill.ts';
import { list, ps } from './commands/list.ts';
import { notifySet } from './commands/notify-set.ts';
import { restart } from './commands/restart.ts';
import { run } from './commands/run.ts';
import { schema } from './commands/schema.ts';
import { serveRoot } from './commands/serve-root.ts';
import { start } from './commands/start.ts';
import { status } from './commands/status.ts';
import { tagSet } from './commands/tag-set.ts';
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
const commands: readonly CommandSpec[] = [
  run,
  create,
  start,
  restart,
  status,
  wait,
  tail,
  kill,
  list,
  ps,
  tagSet,
  notifySet,
  deleteCommand,
  gc,
  schema,
];

/** Other names of commands. */
const aliases: Readonly<Record<string, string>> = { rm: 'delete' };

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
    if (leading.help || name === 'help') return help(io, program, rest);
    if (name === undefined) return say(io.stderr, programHelp(program.name, commands), 2);
    const found = findCommand(words);
    return await execute(found.command, { rest: found.rest, leading, io, program, startedMs });
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
  const root = jobsRoot((values.root ?? leading.root) as string | undefined, io.env);
  const context: Context = { root, cwd: process.cwd(), io, startedMs };
  const answer = await command.run(values as never, words, context);
  if (values.yaml || leading.yaml) (await import('./yaml-output.ts')).printYaml(io, answer);
  else printAnswer(io, answer);
  return 0;
}

function help(io: Io, program: Program, words: readonly string[]): number {
  const text =
    words.length === 0 ? programHelp(program.name, commands) : commandHelp(program.name, findCommand(words).command);
  return say(io.stdout, text);
}

/** The command that the first one or two words name. */
function findCommand(words: readonly string[]): { command: CommandSpec; rest: readonly string[] } {
  for (const length of [2, 1]) {
    const typed = words.slice(0, length).join(' ');
    const name = Object.hasOwn(aliases, typed) ? aliases[typed] : typed;
    const command = [...commands, serveRoot].find((known) => known.name === name);
    if (command) return { command, rest: words.slice(length) };
  }
  throw new UsageError(`unknown command ${JSON.stringify(words[0])}`);
}

function say(write: (text: string) => void, text: string, code = 0): number {
  write(text);
  return code;
}

function fail(error: unknown, io: Io, program: Program): number {
  if (error instanceof UsageError)
    return say(io.stderr, `error: ${error.message}\n\n${program.name} --help shows the usage\n`, 2);
  // By name: what is loaded on demand brings a class of its own.
  if (error instanceof Error && error.name === 'JobError') printError(io, error as JobError);
  else printError(io, { code: 'internal_error', message: error instanceof Error ? error.message : String(error) });
  return 1;
}
