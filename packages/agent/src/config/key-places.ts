/** Where the keys of a TOML text stand: the parser says it of its faults alone. */

export interface KeyPlace {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
}

const blank = /(?:[ \t\r\n]|#[^\n]*)+/y;
const bareKey = /[A-Za-z0-9_-]+/y;
const longText = /"""(?:[^\\]|\\[\s\S])*?"{3,5}|'''[\s\S]*?'{3,5}/y;
const text = /"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y;
/** Numbers, dates, true and false: a date may hold a blank. */
const plain = /[^,\]}#\n]+/y;

/** Tables in lists are nobody's: their keys are put where no key can stand. */
const inList: readonly string[] = ['\0'];

/**
 * KeyPlace of each table and key, by its path joined with dots; what stands in lists is left out. The text must be TOML: of another the
 * answer ends where it is none.
 */
export function keyPlaces(source: string): Map<string, KeyPlace> {
  const places = new Map<string, number>();
  const tokens = tokensOf(source);
  const { take, takeSign, takeKey } = tokens;

  function takePair(table: readonly string[]): void {
    const start = tokens.at;
    const path = [...table, ...takeKey()];
    if (!takeSign('=')) return;
    places.set(path.join('.'), start);
    takeValue(path);
  }

  function takeValue(path: readonly string[]): void {
    take(blank);
    if (takeSign('{')) takeItems('}', () => takePair(path));
    else if (takeSign('[')) takeItems(']', () => takeValue(inList));
    else if (take(longText) === undefined && take(text) === undefined) take(plain);
  }

  function takeItems(end: string, takeItem: () => void): void {
    for (;;) {
      take(blank);
      const before = tokens.at;
      if (takeSign(end)) return;
      takeItem();
      take(blank);
      takeSign(',');
      if (tokens.at === before) return;
    }
  }

  let table: readonly string[] = [];
  for (let before = -1; tokens.at > before; ) {
    before = tokens.at;
    take(blank);
    const start = tokens.at;
    if (!takeSign('[')) takePair(table);
    else {
      takeSign('[');
      table = takeKey();
      places.set(table.join('.'), start);
      takeSign(']');
      takeSign(']');
    }
  }
  return new Map([...places].map(([path, offset]) => [path, placeAt(source, offset)]));
}

/** Takes a text apart, from its beginning on. */
function tokensOf(source: string) {
  let at = 0;

  /** The text of the next token, when it is of this kind. */
  function take(kind: RegExp): string | undefined {
    kind.lastIndex = at;
    const found = kind.exec(source)?.[0];
    at += found?.length ?? 0;
    return found;
  }
  function takeSign(sign: string): boolean {
    if (!source.startsWith(sign, at)) return false;
    at += sign.length;
    return true;
  }
  return {
    get at() {
      return at;
    },
    take,
    takeSign,
    takeKey(): string[] {
      const parts: string[] = [];
      do {
        take(blank);
        const quoted = take(text);
        parts.push(quoted === undefined ? (take(bareKey) ?? '') : unquoted(quoted));
        take(blank);
      } while (takeSign('.'));
      return parts;
    },
  };
}

function placeAt(source: string, offset: number): KeyPlace {
  const lines = source.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

function unquoted(key: string): string {
  if (key.startsWith("'")) return key.slice(1, -1);
  try {
    return JSON.parse(key) as string;
  } catch {
    return key.slice(1, -1); // an escape that JSON has not: the place alone is unknown then
  }
}
