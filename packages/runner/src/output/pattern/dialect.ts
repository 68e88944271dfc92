/** What people write who know the expressions of other tools (Rust, grep, Python), in the words of the language. */

/** Classes of ASCII by their names in POSIX, as they stand within a class. */
const namedClasses: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`\\{-~',
  space: '\\s',
  upper: 'A-Z',
  word: '\\w',
  xdigit: '0-9A-Fa-f',
};

/** A whole class; the beginning of a named group; an escape. */
const tokens = /\[\^?(?:\[:[a-z]+:\]|\\[\s\S]|[^\]\\])*\]|\(\?P<|\\x\{[\da-fA-F]+\}|\\[pP][A-Z]|\\[\s\S]/g;
const withinClass = /\[:([a-z]+):\]|\\x\{[\da-fA-F]+\}|\\[pP][A-Z]|\\[\s\S]/g;

/** The same expression. What the language has no words for stays as it is, for whoever reads it next to refuse. */
export const inOurWords = (source: string): string =>
  source.replace(tokens, (token) => {
    if (token.startsWith('[')) return `[${token.slice(1).replace(withinClass, ofClass)}`;
    return token === '(?P<' ? '(?<' : escaped(token, '');
  });

const ofClass = (part: string, name: string | undefined): string =>
  name === undefined ? escaped(part, '-') : (namedClasses[name] ?? part);

/** `kept`: what has to stay escaped besides the signs of every expression. */
function escaped(token: string, kept: string): string {
  const sign = token.charAt(1);
  if (token.length > 2) return sign === 'x' ? `\\u${token.slice(2)}` : `\\${sign}{${token.slice(2)}}`;
  // A sign that means nothing may be escaped elsewhere; < and > are edges of words there.
  return /[ !"#%&',:;=@_`~-]/.test(sign) && !kept.includes(sign) ? sign : token;
}
