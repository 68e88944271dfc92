/**
 * What a command is, and how the words of a call become its options. By hand: a parser library costs more start-up time than all
 * our local commands do. Only `main` parses, prints and exits.
 */
import type { Io } from '../io.ts';

/** A value, or the promise of one. Most answers are there at once, and a call that need not wait never enters the event loop. */
export type Eventually<T> = T | Promise<T>;

/** Goes on with a value: now when it is there, else as soon as it is. Not called `then`: a module with that name cannot be imported on demand. */
export function goOn<T, R>(value: Eventually<T>, next: (value: T) => Eventually<R>): Eventually<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** A call that cannot be understood: text for stderr, exit code 2, nothing on stdout. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  /** The word that is not known, where something like it may have been meant. */
  readonly typed: string | undefined;

  constructor(message: string, typed?: string) {
    super(message);
    this.typed = typed;
  }
}

/**
 * `flag` takes no value; `tally` neither, and counts how often it stands there. `optional` is `true`, or `true|false` when that is the next word. `count` is a whole number, not negative. `texts` may be
 * given several times; all others once.
 */
export type OptionKind = 'flag' | 'tally' | 'optional' | 'text' | 'count' | 'texts';

export interface OptionSpec {
  readonly kind: OptionKind;
  readonly help: string;
  /** Word for the value in the help. */
  readonly value?: string;
  /** What can be given, for a shell that completes. */
  readonly values?: readonly string[];
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ValueOf<K extends OptionKind> = K extends 'flag' | 'optional'
  ? boolean
  : K extends 'count' | 'tally'
    ? number
    : K extends 'texts'
      ? string[]
      : string;

/** Values by option name; an option that was not given is absent, except `texts`, which is then empty. */
export type Options<T extends OptionTable> = {
  [N in keyof T]: T[N]['kind'] extends 'texts' ? string[] : ValueOf<T[N]['kind']> | undefined;
};

/** Options of every command of every door, before or after its words. */
export const globalOptions = {
  json: { kind: 'flag', help: 'print one line of JSON' },
  yaml: { kind: 'flag', help: 'print YAML' },
  human: { kind: 'flag', help: 'print for people: a sentence, tables, colours on a terminal' },
  verbose: { kind: 'tally', help: 'say on stderr what the call does; -vv and -vvv say more' },
  help: { kind: 'flag', help: 'show this help' },
} as const satisfies OptionTable;

const shortNames: Readonly<Record<string, string>> = { '-h': 'help', '-o': 'output', '-v': 'verbose', '-V': 'version' };

/** What a call waits for, for a line on the terminal: `waiting for WHAT: 3 s, HOW`. */
export interface Waiting {
  readonly what: string;
  /** How it stands right now. */
  how(): string;
}

/** What a command may use. */
export interface Context {
  /** Absolute jobs root. */
  readonly root: string;
  /** The caller's working directory. */
  readonly cwd: string;
  readonly io: Io;
  /** Every option of the call by name, those of its door too. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Start of this call on the `performance.now()` clock, in ms. */
  readonly startedMs: number;
  /** The version whose answers are asked for: what is told only there need not be found out otherwise. */
  readonly contract: ContractVersion;
  /** How the answer is printed. */
  readonly form: FormName;
  /** Tell all that is known of an ending: for people, and for who exits by it. */
  readonly tellsEnding: boolean;
  /** The name the program was called by. */
  readonly program: string;
  /** The data directory that a configuration file of an agent says; undefined where it says none. Absent where no agent is part of the program. */
  readonly agentDataDir?: ((configFile: string) => Promise<string | undefined>) | undefined;
  /** Told what is waited for, where somebody wants to see it. */
  readonly onWaiting?: ((waiting: Waiting) => void) | undefined;
}

/** The versions whose answers we print; the last one is today's. */
export const contracts = ['0.1.18', '0.2.31'] as const;
export type ContractVersion = (typeof contracts)[number];

/** How an answer can be printed. */
export const forms = ['json', 'yaml', 'human'] as const;
export type FormName = (typeof forms)[number];

/** The keys of an answer behind the envelope. `type` names it. */
export interface Answer {
  readonly type: string;
  readonly [key: string]: unknown;
}

/** What a command has printed itself, as it came: nothing is left but the exit code. */
export interface AlreadyPrinted {
  readonly exitCode: 0 | 1;
}

export interface Command<T extends OptionTable = OptionTable> {
  /** One or two words: `run`, `tag set`. */
  readonly name: string;
  readonly summary: string;
  /** Positional words for the help, such as `JOB_ID`. */
  readonly usage: string;
  /** What its first word can be, for a shell that completes. */
  readonly words?: readonly string[];
  readonly options: T;
  /** Everything from the first positional word on is a command line of its own. */
  readonly stopAtWord?: boolean;
  /** What stands behind `--` is something else than the words before it: the words keep the `--`. */
  readonly keepsDashes?: boolean;
  /** Waits for something: for people a terminal shows how it stands meanwhile. */
  readonly waits?: boolean;
  /** Paragraphs of the help behind the options. */
  readonly notes?: readonly string[];
  /** Calls as they would be typed, with `kanade` as the name of the program. */
  readonly examples: readonly string[];
  /** Runs it; a text is printed as it is, and what it has printed itself stays so. Throws an error with a code for "could not do it" and `UsageError` for a call that makes no sense. */
  run(options: Options<T>, words: readonly string[], context: Context): Eventually<Answer | AlreadyPrinted | string>;
}

/** Keeps the option types of a command while the table of commands forgets them. */
export const defineCommand = <const T extends OptionTable>(command: Command<T>): Command =>
  command as unknown as Command;

/** A family of commands behind a first word of their own; the local one has none. */
export interface Door {
  /** The first word, empty for local commands. */
  readonly name: string;
  /** What it is for, one sentence for the top of its help. */
  readonly summary: string;
  /** Options of each of its commands, before or after the name. */
  readonly options: OptionTable;
  readonly commands: readonly Command[];
  /** Commands that other commands call; in no help. */
  readonly hidden?: readonly Command[];
  /** Other names of commands. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Paragraphs at the end of its help. */
  readonly notes: readonly string[];
  /** Answers for people on a terminal, unless told otherwise; else JSON everywhere. */
  readonly speaksToPeople: boolean;
  /** What a call is about, for `-v`: the jobs root, the broker. No secret. */
  about(context: Context, words: readonly string[]): string;
}

/** A door that is loaded on demand. */
export interface DoorEntry {
  readonly name: string;
  /** One line of the program's help. */
  readonly summary: string;
  load(): Promise<Door>;
}

/** All that can be called. What is loaded on demand is handed it, so that the table of local commands exists once. */
export interface House {
  readonly local: Door;
  readonly otherDoors: readonly DoorEntry[];
  /** Programs of their own behind a first word: what ships dispatches to them before the command line is asked. */
  readonly otherPrograms: readonly { readonly name: string; readonly summary: string }[];
}

/** A text with calls in it, for who calls the program by another name than `kanade`. */
export const calledAs = (program: string, text: string): string =>
  program === 'kanade' ? text : text.replaceAll('kanade ', `${program} `);

/** The single positional word of a command. Throws {@link UsageError} when there is none, or more. */
export function oneWord(words: readonly string[], name: string): string {
  const [word, extra] = words;
  if (word === undefined) throw new UsageError(`${name} is missing`);
  if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}: one ${name} is enough`);
  return word;
}

/** Throws {@link UsageError} when there are positional words. */
export function noWords([extra]: readonly string[]): void {
  if (extra !== undefined) throw new UsageError(`unexpected word ${JSON.stringify(extra)}`);
}

export interface Parsed {
  readonly values: Record<string, boolean | number | string | string[]>;
  readonly words: readonly string[];
}

/**
 * Splits words into option values and positional words. With `stopAtWord` everything from the first positional word on
 * belongs to the command to run. Throws {@link UsageError}.
 */
export function parseWords(
  words: readonly string[],
  table: OptionTable,
  { stopAtWord = false, keepsDashes = false } = {},
): Parsed {
  const values: Parsed['values'] = {};
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      rest.push(...words.slice(keepsDashes ? at : at + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      if (stopAtWord) {
        rest.push(...words.slice(at));
        break;
      }
      rest.push(word);
      continue;
    }
    at += takeOption({ word, next: words[at + 1], table, values });
  }
  for (const [name, spec] of Object.entries(table)) if (spec.kind === 'texts') values[name] ??= [];
  return { values, words: rest };
}

/** Largest count that is kept as it is; larger ones, up to 64 bits, mean this. */
const countMax = Number.MAX_SAFE_INTEGER;

/** Takes one option into `values`; returns how many further words it used. */
function takeOption({
  word,
  next,
  table,
  values,
}: {
  word: string;
  next: string | undefined;
  table: OptionTable;
  values: Parsed['values'];
}): number {
  if (word[1] === 'v' && /^-v+$/.test(word)) {
    values.verbose = Number(values.verbose ?? 0) + word.length - 1;
    return 0;
  }
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  const flag = equals < 0 ? word : word.slice(0, equals);
  const inline = equals < 0 ? undefined : word.slice(equals + 1);
  const name = shortNames[flag] ?? (flag.startsWith('--') ? flag.slice(2) : '');
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!spec) throw new UsageError(`unknown option ${flag}`, flag);
  if (values[name] !== undefined && spec.kind !== 'texts' && spec.kind !== 'tally')
    throw new UsageError(`option ${flag} was given twice`);
  if (spec.kind === 'flag' || spec.kind === 'tally') {
    if (inline !== undefined) throw new UsageError(`option ${flag} takes no value: ${inline}`);
    values[name] = spec.kind === 'flag' || Number(values[name] ?? 0) + 1;
    return 0;
  }
  if (spec.kind === 'optional') {
    const text = inline ?? (/^(true|false)$/i.test(next ?? '') ? next : undefined);
    if (text !== undefined && !/^(true|false)$/i.test(text))
      throw new UsageError(`option ${flag} must be true or false: ${text}`);
    values[name] = text?.toLowerCase() !== 'false';
    return inline === undefined && text !== undefined ? 1 : 0;
  }
  const text = inline ?? next;
  if (text === undefined) throw new UsageError(`option ${flag} needs a value`);
  // A forgotten value must not swallow the option behind it.
  if (inline === undefined && text.startsWith('--'))
    throw new UsageError(
      `option ${flag} needs a value: ${text} looks like an option; write ${flag}=${text} if it is one`,
    );
  if (spec.kind === 'texts') values[name] = [...((values[name] as string[] | undefined) ?? []), text];
  else values[name] = spec.kind === 'count' ? parseCount(flag, text) : text;
  return inline === undefined ? 1 : 0;
}

function parseCount(flag: string, text: string): number {
  const value = Number(text);
  if (!/^\+?\d+$/.test(text) || (value >= 2 ** 64 && BigInt(text) >= 2n ** 64n))
    throw new UsageError(`option ${flag} must be a whole number, not negative: ${text}`);
  return Math.min(value, countMax); // beyond it nothing differs, and digits would be lost
}
