/** Paths as scripts name them for a bundle: with variables of the environment and the signs of shells. Pure. */

/** A pattern, taken apart; or why nothing is collected for it. */
export type PathPattern =
  | {
      /** The directory that the script named: the part before the first sign. */
      readonly root: string;
      /** Below it; none = the root itself. */
      readonly parts: readonly string[];
    }
  | { readonly fault: string };

type Environment = Readonly<Record<string, string | undefined>>;

/** `$NAME`, `${NAME}` and `%NAME%` stand for variables, `~` at the beginning for `HOME`. */
export function parsePathPattern(text: string, env: Environment): PathPattern {
  const unset = new Set<string>();
  const expanded = (name: string): string => {
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value === undefined) unset.add(name);
    return value ?? '';
  };
  const path = text
    .replace(/^~(?=\/|$)/, () => expanded('HOME'))
    .replace(/\$\{(\w+)\}|\$(\w+)|%(\w+)%/g, (_, a?: string, b?: string, c?: string) => expanded(a ?? b ?? c ?? ''));
  if (unset.size > 0) return { fault: `no variable ${[...unset].join(', ')}` };
  if (path.includes('\0')) return { fault: 'no path' };
  if (!path.startsWith('/')) return { fault: 'not absolute' };
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return { fault: '.. is not followed' };
  const first = parts.findIndex(hasSigns);
  const named = first < 0 ? parts.length : first;
  return { root: `/${parts.slice(0, named).join('/')}`, parts: parts.slice(named) };
}

const hasSigns = (part: string): boolean => /[*?[]/.test(part);

/**
 * Whether a name matches one part of a pattern: `*` any characters, `?` one, `[a-z]` and `[!a-z]` one of a class. A name that begins
 * with a dot matches only a part that does. In time that grows with name times pattern, whatever they are.
 */
export function matchesPart(part: string, name: string): boolean {
  if (name.startsWith('.') && !part.startsWith('.')) return false;
  const tokens = part.match(/\[!?\]?[^\]]*\]|./gsu) ?? [];
  const signs = [...name];
  let [token, sign, starToken, starSign] = [0, 0, -1, 0];
  while (sign < signs.length) {
    const now = tokens[token];
    if (now === '*') {
      [starToken, starSign] = [token++, sign];
    } else if (now !== undefined && matchesSign(now, signs[sign] as string)) {
      token++;
      sign++;
    } else if (starToken >= 0) {
      [token, sign] = [starToken + 1, ++starSign];
    } else return false;
  }
  while (tokens[token] === '*') token++;
  return token === tokens.length;
}

function matchesSign(token: string, sign: string): boolean {
  if (token === '?') return true;
  if (token.length < 3 || !token.startsWith('[')) return token === sign;
  const isNegated = token[1] === '!';
  const members = [...token.slice(isNegated ? 2 : 1, -1)];
  let isIn = false;
  for (let at = 0; at < members.length; at++) {
    const [from, dash, to] = members.slice(at, at + 3) as [string, string?, string?];
    if (dash === '-' && to !== undefined) {
      isIn ||= from <= sign && sign <= to;
      at += 2;
    } else isIn ||= from === sign;
  }
  return isIn !== isNegated;
}

/** The name of a file in an archive: relative, and harmless wherever it is unpacked. */
export const nameInArchive = (path: string): string =>
  path
    .replace(/^\/+/, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: names may hold them, and they do nobody good
    .replace(/[\\:\u0000-\u001f\u007f]/g, '_');
