/** The readers that a script can print for, each between its own marker lines. */
export const fenceKinds = ['INVENTORY', 'CHECK', 'COLLECT', 'FEED'] as const;
export type FenceKind = (typeof fenceKinds)[number];

const begin = (kind: FenceKind): string => `#KANADE-${kind}-BEGIN`;
const end = (kind: FenceKind): string => `#KANADE-${kind}-END`;

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

const anyBegin = /^#KANADE-([A-Z][A-Z0-9_-]*)-BEGIN[ \t]*\r?$/m;

/**
 * The output without the blocks that scripts print for the machine (`#KANADE-CHECK-BEGIN` … `#KANADE-CHECK-END`).
 * A block that was not closed hides everything after its opener. Where the beginning of the output was dropped, the
 * opener may be gone: a closing line without one hides everything before it.
 */
export function stripFences(text: string, { headDropped = false }: { headDropped?: boolean } = {}): string {
  let shown = '';
  let rest = headDropped ? afterStrayEnd(text) : text;
  for (;;) {
    const opener = anyBegin.exec(rest);
    if (!opener) return shown + rest;
    shown += rest.slice(0, opener.index);
    const body = rest.slice(opener.index + opener[0].length);
    const closer = new RegExp(`^#KANADE-${opener[1]}-END[ \\t]*\\r?(?:\\n|$)`, 'm').exec(body);
    if (!closer) return shown;
    rest = body.slice(closer.index + closer[0].length);
  }
}

function afterStrayEnd(text: string): string {
  const closer = /^#KANADE-[A-Z][A-Z0-9_-]*-END[ \t]*\r?(?:\n|$)/m.exec(text);
  if (!closer) return text;
  const opener = anyBegin.exec(text);
  return opener && opener.index < closer.index ? text : text.slice(closer.index + closer[0].length);
}
