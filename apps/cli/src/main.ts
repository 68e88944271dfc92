/** The command line: parses, runs one command, prints one answer, returns the exit code. */

import { type Document, envelopeOf, failureOf, formOf, printDocument } from './answer/envelope.ts';
import { globalOptions, type OptionTable, parseWords } from './call/arguments.ts';
import type { CommandSpec, Context } from './call/command.ts';
import { type Eventually, recovered, then } from './call/eventually.ts';
import { commandHelp, programHelp } from './call/help.ts';
import { aliases, commands, findCommand } from './call/table.ts';
import type { Io } from './io.ts';
import { jobsRoot } from './local/root.ts';

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

/**
 * Runs one call. Gives 0 (answered), 1 (answered with an error), 2 (the call makes no sense; stdout stays empty): at once
 * when nothing had to be waited for. Who exits with that number before the event loop begins to turn saves milliseconds.
 */
export function main(args: readonly string[], io: Io, program: Program): Eventually<number> {
  const startedMs = performance.now();
  return recovered(
    () => (io.env.COMPLETE ? completed(args, io, program, startedMs) : called(args, io, program, startedMs)),
    (error) => {
      // By name: what is loaded on demand brings a class of its own.
      if (!(error instanceof Error) || error.name !== 'UsageError') throw error;
      return say(io.stderr, `error: ${error.message}\n\n${program.name} --help shows the usage\n`, 2);
    },
  );
}

/** The shell asks what fits at the cursor. */
async function completed(args: readonly string[], io: Io, program: Program, startedMs: number): Promise<number> {
  const { complete } = await import('./call/complete.ts');
  const text = complete({ args, env: io.env, program: program.name, commands, aliases });
  return text === undefined ? called(args, io, program, startedMs) : say(io.stdout, text);
}

function called(args: readonly string[], io: Io, program: Program, startedMs: number): Eventually<number> {
  const table: OptionTable = { ...globalOptions, version: { kind: 'flag', help: '' } };
  const { values: leading, words } = parseWords(args, table, { stopAtWord: true });
  const [name, ...rest] = words;
  if (leading.version) return say(io.stdout, `${program.name} ${program.version()}\n`);
  const other = otherDoor(name, rest, io);
  if (other) return other;
  if (leading.help || name === 'help') return help(io, program, rest);
  if (name === undefined) return say(io.stderr, programHelp(program.name, commands), 2);
  const call = { leading, io, program, startedMs };
  const found = findCommand(words);
  return found ? execute(found.command, { ...call, rest: found.rest }) : executeInGroup(words, call);
}

/** The first word may be half of a name, with options of every command behind it. */
async function executeInGroup(words: readonly string[], call: Omit<Call, 'rest'>): Promise<number> {
  const { lookInGroup } = await import('./call/command-group.ts');
  const found = lookInGroup(words, commands);
  if (typeof found === 'string') return say(call.io.stdout, found);
  const { command, rest, between } = found;
  return execute(command, { ...call, rest, leading: { ...call.leading, ...between } });
}

interface Call {
  readonly rest: readonly string[];
  readonly leading: Record<string, unknown>;
  readonly io: Io;
  readonly program: Program;
  readonly startedMs: number;
}

function execute(command: CommandSpec, { rest, leading, io, program, startedMs }: Call): Eventually<number> {
  const table: OptionTable = { ...globalOptions, ...command.options };
  const { values, words } = parseWords(rest, table, { stopAtWord: command.stopAtWord ?? false });
  if (values.help) return say(io.stdout, commandHelp(program.name, command));
  const globals = { ...leading, ...values };
  const form = formOf(globals, io.env);
  const root = jobsRoot(globals.root as string | undefined, io.env);
  const { contract } = form;
  const run = (onJob?: Context['onJob']): Eventually<Document | string> =>
    documentOf(() => {
      const context = { root, cwd: process.cwd(), io, startedMs, contract, program: program.name, onJob };
      return command.run(values as never, words, context);
    });
  const progress = form.human && command.waits === true;
  const document =
    globals.verbose === undefined && !progress
      ? run()
      : import('./call/accompany.ts').then(({ accompanied }) => {
          const called = `${program.name} ${program.version()}`;
          const verbose = [leading.verbose, values.verbose];
          return accompanied({ command, values: globals, words, root, io, program: called, verbose, progress }, run);
        });
  return then(document, (said) => {
    if (typeof said === 'string') return say(io.stdout, said);
    return then(printDocument(io, said, form), () => (said.ok ? 0 : 1));
  });
}

/** What a command has to say: its answer in the envelope, an error in one, or a text. Throws `UsageError` only. */
function documentOf(run: () => ReturnType<CommandSpec['run']>): Eventually<Document | string> {
  return recovered<Document | string>(
    () => then(run(), (answer) => (typeof answer === 'string' ? answer : envelopeOf(answer))),
    (error) => {
      if (error instanceof Error && error.name === 'UsageError') throw error;
      return failureOf(error);
    },
  );
}

function help(io: Io, program: Program, words: readonly string[]): Eventually<number> {
  const [first] = words;
  if (first === undefined || first === 'help') return say(io.stdout, programHelp(program.name, commands));
  const found = findCommand(words);
  if (found) return say(io.stdout, commandHelp(program.name, found.command));
  return otherDoor(first, ['--help'], io) ?? groupHelp(io, program, words);
}

async function groupHelp(io: Io, program: Program, words: readonly string[]): Promise<number> {
  const { lookInGroup } = await import('./call/command-group.ts');
  const found = lookInGroup([...words, '--help'], commands);
  return say(io.stdout, typeof found === 'string' ? found : commandHelp(program.name, found.command));
}

/** A program of its own by the first word; undefined when it names none. */
function otherDoor(name: string | undefined, words: readonly string[], io: Io): Promise<number> | undefined {
  if (name === 'fleet') return import('./fleet/main.ts').then(({ runFleet }) => runFleet(words, io));
  if (name === 'outbox') return import('./outbox/main.ts').then(({ runOutbox }) => runOutbox(words, io));
  return undefined;
}

function say(write: (text: string) => void, text: string, code = 0): number {
  write(text);
  return code;
}
