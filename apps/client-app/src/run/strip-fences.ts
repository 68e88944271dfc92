const begin = /^#KANADE-([A-Z][A-Z0-9_-]*)-BEGIN[ \t]*\r?$/m;

/**
 * The output without the blocks that scripts print for the machine (`#KANADE-CHECK-BEGIN` … `#KANADE-CHECK-END`).
 * A block that was not closed hides everything after its opener. Where the beginning of the output was dropped, the
 * opener may be gone: a closing line without one hides everything before it.
 */
export function stripFences(text: string, { headDropped = false }: { headDropped?: boolean } = {}): string {
  let shown = '';
  let rest = headDropped ? afterStrayEnd(text) : text;
  for (;;) {
    const opener = begin.exec(rest);
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
  const opener = begin.exec(text);
  return opener && opener.index < closer.index ? text : text.slice(closer.index + closer[0].length);
}
