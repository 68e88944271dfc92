/**
 * Regular expressions that can be matched in linear time, as a tree: JavaScript's syntax, and what others write for the same (`dialect.ts`; flags at
 * the beginning, `\A` and `\z`). What no such program can do (back references, look-around) is refused. What a single character may be is left to the
 * engine of the language: an atom is the source of an expression for one character.
 */
import { inOurWords } from './dialect.ts';

/** Why an expression is none that we match. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

export type Assertion = 'start' | 'end' | 'word-edge' | 'no-word-edge';

export type PatternNode =
  /** One character, by the source of its expression. */
  | { readonly kind: 'atom'; readonly source: string }
  | { readonly kind: 'assert'; readonly what: Assertion }
  | { readonly kind: 'all'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'either'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly least: number; readonly most: number };

export interface ParsedPattern {
  readonly node: PatternNode;
  /** Flags for the atoms. */
  readonly flags: string;
}

/** Characters of a pattern. */
const lengthMax = 1_000;

/** What counts for every expression: a line holds no other line, so `m` and `s` mean nothing, and all is Unicode. */
const leadingFlags = /^\(\?[imsu]+\)/;

const quantifier = /\*|\+|\?|\{(\d+)(,(\d*))?\}/y;
const group = /\((?:\?:|\?<[^=!>][^>]*>|(?!\?))/y;
const surrogates = 'u[dD][89abAB][\\da-fA-F]{2}\\\\u[dD][c-fC-F][\\da-fA-F]{2}';
const escaped = new RegExp(
  `\\\\(?:u\\{[^}]*\\}|${surrogates}|u[\\da-fA-F]{4}|x[\\da-fA-F]{2}|c[a-zA-Z]|[pP]\\{[^}]*\\}|[\\s\\S])`,
  'uy',
);
const characterClass = /\[\^?(?:\\[\s\S]|[^\]\\])*\]/uy;
const anyCharacter = /[\s\S]/uy;
const asserted: Readonly<Record<string, Assertion>> = {
  '^': 'start',
  $: 'end',
  '\\b': 'word-edge',
  '\\B': 'no-word-edge',
  '\\A': 'start',
  '\\z': 'end',
};

/** Throws `PatternError`. */
export function parsePattern(text: string): ParsedPattern {
  if (text.length > lengthMax) throw new PatternError(`it has ${text.length} characters: ${lengthMax} are the most`);
  const given = leadingFlags.exec(text)?.[0] ?? '';
  const folds = given.includes('i');
  const source = inOurWords(text.slice(given.length));
  const flags = `${strictness(source)}${folds ? 'i' : ''}`;
  const reader = new PatternReader(source);
  return { node: reader.readAll(), flags };
}

/** `u` where the strict mode takes the pattern; some patterns of other dialects are refused only by that, and `\p` means something in it alone. */
function strictness(source: string): 'u' | '' {
  const plain = source.replace(/\\\\|\\[Az]/g, (found) => (found === '\\\\' ? found : ''));
  const needsStrict = /\\[pP<>]|\\u\{/.test(plain.replaceAll('\\\\', ''));
  for (const flags of ['u', ''] as const) {
    try {
      new RegExp(plain, flags);
      return flags;
    } catch (error) {
      if (flags === '' || needsStrict) throw new PatternError((error as Error).message);
    }
  }
  return '';
}

class PatternReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readAll(): PatternNode {
    const node = this.#either();
    if (this.#at < this.#text.length) throw new PatternError(`character ${this.#at + 1} closes nothing`);
    return node;
  }

  #either(): PatternNode {
    const items = [this.#sequence()];
    while (this.#takes('|')) items.push(this.#sequence());
    return items.length === 1 ? (items[0] as PatternNode) : { kind: 'either', items };
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at] ?? '')) items.push(this.#piece());
    return { kind: 'all', items };
  }

  #piece(): PatternNode {
    const item = this.#one();
    const times = this.#match(quantifier);
    if (!times) return item;
    this.#takes('?'); // lazy or not: whether it matches is the same
    const [sign = '', least, comma, most] = times;
    if (least === undefined)
      return { kind: 'repeat', item, least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Infinity };
    return { kind: 'repeat', item, least: Number(least), most: comma ? Number(most || Infinity) : Number(least) };
  }

  #one(): PatternNode {
    if (this.#text[this.#at] === '(') return this.#group();
    const [source = ''] = this.#match(escaped) ?? this.#match(characterClass) ?? this.#match(anyCharacter) ?? [];
    const what = asserted[source];
    if (what) return { kind: 'assert', what };
    if (/^\\[1-9k]/.test(source))
      throw new PatternError(`a back reference (${source}) takes more than one look at a line`);
    if (source.startsWith('[[:')) throw new PatternError(`${source}] is no class here: write \\d, \\w, \\s or a range`);
    if (/^\[.*\[:\^?[a-z]+:\]/.test(source)) throw new PatternError(`${source} has a class that is not known`);
    return { kind: 'atom', source };
  }

  #group(): PatternNode {
    if (!this.#match(group)) {
      throw new PatternError(
        `${this.#text.slice(this.#at, this.#at + 3)} at character ${this.#at + 1}: no look-around, and flags (i, m, s, u) at the beginning alone`,
      );
    }
    const node = this.#either();
    if (!this.#takes(')')) throw new PatternError('a group is not closed');
    return node;
  }

  #takes(sign: string): boolean {
    if (this.#text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #match(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#at;
    const found = form.exec(this.#text);
    if (found) this.#at = form.lastIndex;
    return found;
  }
}
