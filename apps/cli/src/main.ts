/** The command line: finds the command, runs it, prints one answer, returns the exit code. The same way for every door. */

import {
  type Document,
  envelopeOf,
  type Form,
  failureOf,
  formOf,
  isPrinted,
  type Said,
  textOf,
} from './answer/answer.ts';
import type { CommandRun } from './call/accompany.ts';
import {
  type AlreadyPrinted,
  type Answer,
  type Command,
  type Context,
  type Door,
  type Eventually,
  globalOptions,
  type OptionTable,
  type Parsed,
  parseWords,
  UsageError,
} from './call/command.ts';
import { house } from './call/table.ts';
import type { Io } from './io.ts';
import { jobsRoot } from './local/settings.ts';

export { type Io, processIo } from './io.ts';
export { versionLine } from './version.ts';

/** Who we are, for `--version` and the help. */
export interface Program {
  /** The name it was called by: `kanade` or `agent-exec`. */
  readonly name: string;
  /** One line: name, version, runtime, platform, contract. */
  readonly version: (name: string) => string;
  /** Where the agent of this program keeps its data; absent where the program has none. */
  readonly agentDataDir?: Context['agentDataDir'];
}

/** One call of the program, and how far it was understood. */
interface Call {
  readonly args: readonly string[];
  readonly io: Io;
  readonly program: Program;
  readonly startedMs: number;
  /** Where a usage error happened, for the advice that follows it. */
  readonly at: { door: Door; command?: Command };
}

type Values = Parsed['values'];

const { local, otherDoors } = house;

/**
 * Runs one call. Gives 0 (answered), 1 (answered with an error), 2 (the call makes no sense; stdout stays empty), or what
 * `--exit-code` asks for: at once when nothing had to be waited for. Who exits with that number before the event loop begins to turn
 * saves milliseconds.
 */
export function main(args: readonly string[], io: Io, program: Program): Eventually<number> {
  const call: Call = { args, io, program, startedMs: performance.now(), at: { door: local } };
  const advised = (error: unknown): Promise<number> => {
    if (!isUsageError(error)) throw error;
    return import('./call/advice.ts').then(({ adviceOn }) =>
      say(io.stderr, adviceOn(error, { program: program.name, house, ...call.at }), 2),
    );
  };
  try {
    const code = io.env.COMPLETE ? completed(call) : called(call);
    return code instanceof Promise ? code.catch(advised) : code;
  } catch (error) {
    return advised(error);
  }
}

/** By name: what is loaded on demand brings a class of its own. */
const isUsageError = (error: unknown): error is UsageError => error instanceof Error && error.name === 'UsageError';

/** The shell asks what fits at the cursor. */
async function completed(call: Call): Promise<number> {
  const { complete } = await import('./call/complete.ts');
  const text = await complete({ args: call.args, env: call.io.env, program: call.program.name, house });
  return text === undefined ? called(call) : say(call.io.stdout, text);
}

function called(call: Call): Eventually<number> {
  const { args, io, program } = call;
  const table: OptionTable = { ...globalOptions, ...local.options, version: { kind: 'flag', help: '' } };
  const { values: leading, words } = parseWords(args, table, { stopAtWord: true });
  if (leading.version) return say(io.stdout, `${program.version(program.name)}\n`);
  const found = leading.help ? undefined : findCommand(local, words);
  if (found) return execute(local, found, leading, call); // before all else: local commands are the quick ones
  const other = otherDoors.find(({ name }) => name === words[0]);
  if (!other) return enter(local, words, leading, call);
  return other.load().then((door) => enterOther(door, words.slice(1), leading, call));
}

/** Options of the door may stand before its command, those of every door before its own word. */
function enterOther(door: Door, args: readonly string[], before: Values, call: Call): Eventually<number> {
  call.at.door = door;
  const foreign = Object.keys(before).find((name) => !Object.hasOwn(globalOptions, name));
  if (foreign) throw new UsageError(`option --${foreign} is for local commands, not for ${door.name}`);
  const { values, words } = parseWords(args, { ...globalOptions, ...door.options }, { stopAtWord: true });
  return enter(door, words, merged(before, values), call);
}

/** Runs the command that the words name, or shows the help that they ask for. */
function enter(door: Door, words: readonly string[], leading: Values, call: Call): Eventually<number> {
  const [first] = words;
  if (leading.help || first === 'help') return help(door, first === 'help' ? words.slice(1) : words, call);
  if (first === undefined) return help(door, [], call, 2);
  const found = findCommand(door, words);
  return found ? execute(door, found, leading, call) : executeInGroup(door, words, leading, call);
}

interface Found {
  readonly command: Command;
  readonly rest: readonly string[];
}

/** The command that the first two words name, or the first one, and the words behind them. */
function findCommand({ commands, hidden = [], aliases }: Door, words: readonly string[]): Found | undefined {
  const [first = '', second] = words;
  const one = Object.hasOwn(aliases, first) ? aliases[first] : first;
  const two = `${first} ${second}`;
  for (const command of commands) {
    if (command.name === two) return { command, rest: words.slice(2) };
    if (command.name === one) return { command, rest: words.slice(1) };
  }
  for (const command of hidden) if (command.name === one) return { command, rest: words.slice(1) };
  return undefined;
}

/** The first word may be half of a name, with options of every command behind it. */
async function executeInGroup(door: Door, words: readonly string[], leading: Values, call: Call): Promise<number> {
  const { lookInGroup } = await import('./call/help.ts');
  const found = lookInGroup(words, door, call.program.name);
  if (typeof found === 'string') return say(call.io.stdout, found);
  return execute(door, found, merged(leading, found.between), call);
}

function execute(door: Door, { command, rest }: Found, leading: Values, call: Call): Eventually<number> {
  call.at.command = command;
  const table: OptionTable = { ...globalOptions, ...door.options, ...command.options };
  const { values, words } = parseWords(rest, table, command);
  if (values.help) return help(door, command.name.split(' '), call);
  const given = leading.verbose === undefined ? { ...leading, ...values } : merged(leading, values);
  const form = formOf(given, call.io, door);
  const asked = { door, command, words, given };
  return form instanceof Promise ? form.then((known) => answer(asked, known, call)) : answer(asked, form, call);
}

/** A command with its words and options, those of its door and of every door too. */
interface Asked {
  readonly door: Door;
  readonly command: Command;
  readonly words: readonly string[];
  readonly given: Values;
}

/** Runs a command and prints what it says. */
function answer(asked: Asked, form: Form, { io, program, startedMs }: Call): Eventually<number> {
  const { door, command, words, given } = asked;
  const context: Context = {
    root: jobsRoot(given.root as string | undefined, io.env),
    cwd: process.cwd(),
    io,
    given,
    startedMs,
    contract: form.contract,
    form: form.as,
    tellsEnding: form.as === 'human' || given['exit-code'] === true,
    program: program.name,
    agentDataDir: program.agentDataDir,
  };
  const run: CommandRun = (more) => documentOf(asked, { ...context, ...more });
  const progress = form.as === 'human' && command.waits === true;
  const said =
    given.verbose === undefined && !progress
      ? run()
      : import('./call/accompany.ts').then(({ accompanied }) => {
          const version = program.version(program.name);
          return accompanied({ command, door, words, context, version, progress }, run);
        });
  return said instanceof Promise ? said.then((known) => print(known, asked, form, io)) : print(said, asked, form, io);
}

/** Prints what a command has said; its exit code. */
function print(said: Said, { door, command, given }: Asked, form: Form, io: Io): Eventually<number> {
  if (typeof said === 'string') return say(io.stdout, said);
  if (isPrinted(said)) return said.exitCode;
  const end = (text: string): Eventually<number> => {
    io.stdout(text);
    const isAsked = given['exit-code'] ?? (form.as === 'human' && isForPeople(door, command, io));
    if (isAsked !== true && !Object.hasOwn(said, 'matched')) return said.ok ? 0 : 1;
    return import('./answer/exit-code.ts').then(({ exitCodeOf }) => exitCodeOf(said));
  };
  const text = textOf(said, form, io);
  return text instanceof Promise ? text.then(end) : end(text);
}

/** Who waits for other machines at a terminal wants the ending of their jobs as the exit code too. */
const isForPeople = (door: Door, { options }: Command, io: Io): boolean =>
  door.speaksToPeople && Object.hasOwn(options, 'exit-code') && io.isTerminal?.(1) === true;

/** What a command has to say: its answer in the envelope, an error in one, or a text. Throws `UsageError` only. */
function documentOf({ command, given, words }: Asked, context: Context): Eventually<Said> {
  const failed = (error: unknown): Document => {
    if (isUsageError(error)) throw error;
    return failureOf(error, context.io, context.program);
  };
  try {
    const answered = command.run(given as never, words, context);
    return answered instanceof Promise ? answered.then(saidBy).catch(failed) : saidBy(answered);
  } catch (error) {
    return failed(error);
  }
}

const saidBy = (answered: Answer | AlreadyPrinted | string): Said =>
  typeof answered === 'string' || isPrinted(answered) ? answered : envelopeOf(answered);

/** The help of the program, a door, a group of commands or one command. */
async function help(door: Door, words: readonly string[], call: Call, code = 0): Promise<number> {
  const other = door === local ? otherDoors.find(({ name }) => name === words[0]) : undefined;
  if (other) return help(await other.load(), words.slice(1), call, code);
  const { doorHelp, commandHelp, lookInGroup } = await import('./call/help.ts');
  const { io, program } = call;
  const write = code === 0 ? io.stdout : io.stderr;
  if (words.length === 0 || words[0] === 'help') return say(write, doorHelp(program.name, door, house), code);
  const found = findCommand(door, words) ?? lookInGroup([...words, '--help'], door, program.name);
  return say(write, typeof found === 'string' ? found : commandHelp(program.name, door, found.command), code);
}

/** Options of a call from two places: what stands behind wins, and what is counted adds up. */
function merged(before: Values, behind: Values): Values {
  const verbose = Number(before.verbose ?? 0) + Number(behind.verbose ?? 0);
  return { ...before, ...behind, ...(verbose > 0 ? { verbose } : {}) };
}

function say(write: (text: string) => void, text: string, code = 0): number {
  write(text);
  return code;
}
