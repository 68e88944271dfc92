/** The command line: parses, runs one command, prints one answer, returns the exit code. */
import { globalOptions, type OptionTable, parseWords, UsageError } from './arguments.ts';
import type { CommandSpec, Context } from './command.ts';
import { aliases, commands, findCommand } from './command-table.ts';
import { commandHelp, programHelp } from './help.ts';
import type { Io } from './io.ts';
import { type Document, envelopeOf, failureOf, formOf, printDocument } from './output.ts';
import { jobsRoot } from './root.ts';

export type { Io } from './io.ts';
export { processIo } from './process-io.ts';
export { versionLine } from './version.ts';

/** Who we are, for `--version` and the help. */
export interface Program {
  /** The name it was called by: `kanade` or `agent-exec`. */
  readonly name: string;
  /** One line: version, runtime, platform. */
  readonly version: () => string;
}

/** Runs one call. Returns 0 (answered), 1 (answered with an error), 2 (the call makes no sense; stdout stays empty). */
export async function main(args: readonly string[], io: Io, program: Program): Promise<number> {
  const startedMs = performance.now();
  if (io.env.COMPLETE) {
    const { complete } = await import('./complete.ts');
    const text = complete({ args, env: io.env, program: program.name, commands, aliases });
    if (text !== undefined) return say(io.stdout, text);
  }
  try {
    const { values: leading, words } = parseWords(
      args,
      { ...globalOptions, version: { kind: 'flag', help: '' } },
      { stopAtWord: true },
    );
    const [name, ...rest] = words;
    if (leading.version) return say(io.stdout, `${program.name} ${program.version()}\n`);
    if (name === 'fleet') return await (await import('./fleet/main.ts')).runFleet(rest, io);
    if (name === 'outbox') return await (await import('./outbox/main.ts')).runOutbox(rest, io);
    if (leading.help || name === 'help') return help(io, program, rest);
    if (name === undefined) return say(io.stderr, programHelp(program.name, commands), 2);
    const found = namedCommand(words);
    return await execute(found.command, { rest: found.rest, leading, io, program, startedMs });
  } catch (error) {
    // By name: what is loaded on demand brings a class of its own.
    if (error instanceof Error && error.name === 'UsageError')
      return say(io.stderr, `error: ${error.message}\n\n${program.name} --help shows the usage\n`, 2);
    throw error;
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
  const globals = { ...leading, ...values };
  const form = formOf(globals, io.env);
  const root = jobsRoot(globals.root as string | undefined, io.env);
  const context: Context = { root, cwd: process.cwd(), io, startedMs, contract: form.contract, program: program.name };
  const document = await documentOf(() => command.run(values as never, words, context));
  if (typeof document === 'string') return say(io.stdout, document);
  await printDocument(io, document, form);
  return document.ok ? 0 : 1;
}

/** What a command has to say: its answer in the envelope, an error in one, or a text. Throws `UsageError` only. */
async function documentOf(run: () => ReturnType<CommandSpec['run']>): Promise<Document | string> {
  try {
    const answer = await run();
    return typeof answer === 'string' ? answer : envelopeOf(answer);
  } catch (error) {
    if (error instanceof Error && error.name === 'UsageError') throw error;
    return failureOf(error);
  }
}

function help(io: Io, program: Program, words: readonly string[]): number {
  const text =
    words.length === 0 ? programHelp(program.name, commands) : commandHelp(program.name, namedCommand(words).command);
  return say(io.stdout, text);
}

function namedCommand(words: readonly string[]): { command: CommandSpec; rest: readonly string[] } {
  const found = findCommand(words);
  if (!found) throw new UsageError(`unknown command ${JSON.stringify(words[0])}`);
  return found;
}

function say(write: (text: string) => void, text: string, code = 0): number {
  write(text);
  return code;
}
