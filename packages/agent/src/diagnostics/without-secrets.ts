/**
 * Texts without the secrets in them, as they can be told to somebody else. Three ways, each over the whole text: values that are known to
 * be secret, shapes that only secrets have, and whatever stands behind a name that stands for one. What is left can be read as before.
 */
import { kindOfName } from './secret-names.ts';
import { withoutShapes } from './secret-shapes.ts';

/** Stands where a secret was. */
export const removed = '[removed]';

/** Values of an environment that its names call secret: what the agent itself was given to know. A path is none. */
export function secretValues(env: Readonly<Record<string, string | undefined>>): string[] {
  const values = Object.entries(env).flatMap(([name, value = '']) =>
    kindOfName(name) === 'secret' && value.length >= 4 && !value.startsWith('/') ? [value] : [],
  );
  return [...new Set(values)].sort((a, b) => b.length - a.length);
}

export function withoutSecrets(text: string, known: readonly string[] = []): string {
  let clean = text;
  for (const value of known) clean = clean.replaceAll(value, removed);
  return withoutNamed(withoutShapes(clean, removed));
}

/** The same for a document: a value below a secret name goes whole, whatever it is. */
export function documentWithoutSecrets(value: unknown, known: readonly string[] = []): unknown {
  if (typeof value === 'string') return withoutSecrets(value, known);
  if (Array.isArray(value)) {
    return value.map((one, at) =>
      isSecretOption(value[at - 1]) && typeof one === 'string' ? removed : documentWithoutSecrets(one, known),
    );
  }
  if (typeof value !== 'object' || value === null) return value;
  const clean = Object.entries(value).map(([name, one]): [string, unknown] => [
    name,
    isTold(name, one) ? documentWithoutSecrets(one, known) : removed,
  ]);
  return Object.fromEntries(clean);
}

function isTold(name: string, value: unknown): boolean {
  const kind = kindOfName(name);
  if (kind === 'plain' || value === null || value === '' || typeof value === 'boolean') return true;
  return kind === 'counted' && typeof value === 'number';
}

const isSecretOption = (word: unknown): boolean =>
  typeof word === 'string' && /^--?[A-Za-z][\w-]*$/.test(word) && kindOfName(word) === 'secret';

/** A name with what joins it to its value: `name=`, `"name": `, `--name `, `"--name", `. Starts at the beginning of a word only. */
const named =
  /(?<![\w.-])(?:(?<option>--?[A-Za-z][\w-]{0,100})(?:\\*["']\s{0,3},\s{0,3}|[ \t]{1,3}(?!-)|=)|(?<name>(?:[A-Za-z-]{2,14} )?[A-Za-z_][\w.-]{0,200})(?:\\*["'])?[ \t]{0,3}(?:=>|:=|[:=：])[ \t]{0,3}|(?<said>(?:password|passphrase|passcode|pin|token|secret) (?:is|was) ))/gi;

/** What is said of a secret and is none. */
const saying =
  /^(?:true|false|null|undefined|none|yes|no|not|wrong|invalid|expired|missing|required|incorrect|too|empty|unknown|refused|needed|set|unset|correct|valid|in|a|the|being|used|rejected|accepted|\[removed\]|\*+|<[a-z ]+>)$/i;

/** Behind these a value goes on to the end of its line: words of people, headers, variables. Tokens and keys are one word. */
const mayHaveSpaces = /pass|pw|kennwort|secret|cookie|authorization/i;

function withoutNamed(text: string): string {
  let clean = '';
  let at = 0;
  named.lastIndex = 0;
  for (let found = named.exec(text); found; found = named.exec(text)) {
    const { option, name, said } = found.groups ?? {};
    const valueAt = found.index + found[0].length;
    const isInQuery = /[?&]/.test(text[found.index - 1] ?? '');
    const kind = said === undefined ? kindOfName(option ?? name ?? '', isInQuery) : 'secret';
    // What follows is looked at again: a name may stand in the value of another.
    if (kind === 'plain') {
      named.lastIndex = valueAt;
      continue;
    }
    const value = valueIn(text, valueAt, { isLine: mayHaveSpaces.test(name ?? '') && startsLine(text, found.index) });
    named.lastIndex = value.end;
    if (value.from === value.end || saying.test(text.slice(value.from, value.end).trim())) continue;
    if (kind === 'counted' && /^[\d.]+$/.test(text.slice(value.from, value.end))) continue;
    clean += `${text.slice(at, value.from)}${removed}`;
    at = value.end;
  }
  return clean + text.slice(at);
}

/** Only space, a dash of a list, or a word that sets variables stands before it. */
const startsLine = (text: string, at: number): boolean =>
  /(?:^|\n)[ \t]*(?:- |export |set |env )?$/.test(text.slice(Math.max(0, at - 40), at)) &&
  (at <= 40 || text.slice(at - 40, at).includes('\n'));

interface Value {
  readonly from: number;
  readonly end: number;
}

function valueIn(text: string, at: number, { isLine }: { isLine: boolean }): Value {
  const opening = sticky(/\\*["'`]/y, text, at);
  if (opening !== '') return quoted(text, at + opening.length, opening);
  if (text[at] === '{' || text[at] === '[') return { from: at, end: closing(text, at) };
  const scheme = sticky(/(?:Basic|Bearer|Negotiate|NTLM|Token|ApiKey)[ \t]+(?=\S)/iy, text, at);
  const parts = sticky(/(?:AWS4-HMAC-SHA256|Digest)[ \t](?:[^\r\n"'`]|"[^"\r\n]*")*/iy, text, at);
  if (parts !== '') return { from: at, end: at + parts.length };
  const line = sticky(/[^\r\n"`]*/y, text, at);
  // A line of an environment, a header or a setting: all of it, unless others follow.
  if (isLine && !/\s[\w.-]+[=:]/.test(line)) return { from: at + scheme.length, end: at + line.length };
  const from = at + scheme.length;
  if (text.startsWith(removed, from)) return { from, end: from + removed.length };
  const word = sticky(/(?:[^\s"'`,;&<>)\]}]|[,;&](?![\s"'\\]|[\w.-]+[=:]|$)|[)\]}](?![\s,;"'\\)\]}]|$))*/y, text, from);
  return { from, end: from + word.length };
}

function sticky(pattern: RegExp, text: string, at: number): string {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? '';
}

/** To the quote that closes it, or to the end of what there is: it was cut. */
function quoted(text: string, from: number, close: string): Value {
  for (let end = text.indexOf(close, from); end >= 0; end = text.indexOf(close, end + 1)) {
    let before = 0;
    while (text[end - 1 - before] === '\\') before++;
    if (before % 2 === 0) return { from, end };
  }
  return { from, end: text.length };
}

/** Behind the bracket that closes the one here, or behind all there is. */
function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const sign = text[at];
    if (sign === '{' || sign === '[') depth++;
    if ((sign === '}' || sign === ']') && --depth === 0) return at + 1;
  }
  return text.length;
}
