/** Arguments by hand: a parser library costs more start-up time than all our local commands do. */

/** A call that cannot be understood: text for stderr, exit code 2, nothing on stdout. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
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

/** Options of every command, before or after its name. */
export const globalOptions = {
  root: {
    kind: 'text',
    value: 'PATH',
    help: 'jobs root (default: AGENT_EXEC_ROOT, else the data directory of the user)',
  },
  yaml: { kind: 'flag', help: 'print YAML instead of JSON' },
  human: { kind: 'flag', help: 'print for people: tables, colours on a terminal' },
  contract: { kind: 'text', value: 'VERSION', help: 'answer as this version did: 0.1.18 (default: KANADE_CONTRACT)' },
  verbose: { kind: 'tally', help: 'say on stderr what the call does; -vv and -vvv say more' },
  help: { kind: 'flag', help: 'show this help' },
} as const satisfies OptionTable;

const shortNames: Readonly<Record<string, string>> = { '-h': 'help', '-v': 'verbose', '-V': 'version' };

export interface Parsed {
  readonly values: Record<string, boolean | number | string | string[]>;
  readonly words: readonly string[];
}

/**
 * Splits words into option values and positional words. With `stopAtWord` everything from the first positional word on
 * belongs to the command to run. Throws {@link UsageError}.
 */
export function parseWords(words: readonly string[], table: OptionTable, { stopAtWord = false } = {}): Parsed {
  const values: Parsed['values'] = {};
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      rest.push(...words.slice(at + 1));
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
  if (/^-v+$/.test(word)) {
    values.verbose = Number(values.verbose ?? 0) + word.length - 1;
    return 0;
  }
  const equals = word.startsWith('--') ? word.indexOf('=') : -1;
  const flag = equals < 0 ? word : word.slice(0, equals);
  const inline = equals < 0 ? undefined : word.slice(equals + 1);
  const name = shortNames[flag] ?? (flag.startsWith('--') ? flag.slice(2) : '');
  const spec = Object.hasOwn(table, name) ? table[name] : undefined;
  if (!spec) throw new UsageError(`unknown option ${flag}`);
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
  if (!/^\+?\d+$/.test(text) || value > 2 ** 64)
    throw new UsageError(`option ${flag} must be a whole number, not negative: ${text}`);
  return Math.min(value, countMax); // beyond it nothing differs, and digits would be lost
}
