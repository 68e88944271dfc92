/** The readers that a script can print for, each between its own marker lines. */
export const fenceKinds = ['INVENTORY', 'CHECK', 'COLLECT', 'FEED'] as const;
export type FenceKind = (typeof fenceKinds)[number];

const begin = (kind: FenceKind): string => `#KANADE-${kind}-BEGIN`;
const end = (kind: FenceKind): string => `#KANADE-${kind}-END`;

/** The lines that a script prints for one reader. */
export function fence(kind: FenceKind, json: string): string {
  return `${begin(kind)}\n${json}\n${end(kind)}\n`;
}

export type Fenced =
  | { readonly found: 'fenced' | 'bare'; readonly text: string }
  /** Markers of others are there, or the output is empty. */
  | { readonly found: 'none' }
  /** The begin line has no end line behind it: the output was cut or the script died. */
  | { readonly found: 'unclosed' };

/**
 * What a script printed for one reader: the text between its first pair of markers, or the whole output when there is no
 * marker at all. The text is not yet parsed.
 */
export function unfence(kind: FenceKind, stdout: string): Fenced {
  const raw = stdout.split('\n');
  const lines = raw.map((line) => line.trimEnd());
  const from = lines.indexOf(begin(kind));
  if (from >= 0) {
    const to = lines.indexOf(end(kind), from + 1);
    return to < 0 ? { found: 'unclosed' } : { found: 'fenced', text: raw.slice(from + 1, to).join('\n') };
  }
  const isShared = fenceKinds.some((other) => lines.includes(begin(other)));
  const text = stdout.trim();
  return isShared || text === '' ? { found: 'none' } : { found: 'bare', text };
}
