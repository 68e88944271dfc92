/** The readers that a script can print for, each between its own marker lines. */
export const fenceKinds = ['INVENTORY', 'CHECK', 'COLLECT', 'FEED'] as const;
export type FenceKind = (typeof fenceKinds)[number];

/** What a script printed for one reader. The text is not yet parsed. */
export type Fenced =
  | { readonly found: 'fenced' | 'bare'; readonly text: string }
  /** Markers of others are there, or the output is empty. */
  | { readonly found: 'none' }
  /** The begin line has no end line behind it: the output was cut or the script died. */
  | { readonly found: 'unclosed' }
  /** More than the reader wants to hold. */
  | { readonly found: 'too_long' };

/** What a reader wants to hold at most. */
export interface UnfenceLimits {
  /** Characters of all blocks together, or of the whole output where it has no marker. */
  readonly charsMax: number;
  /** Blocks; what is behind them is not read. */
  readonly blocksMax: number;
}

/**
 * What a script printed for one reader: the text between each pair of its markers, or the whole output when there is no marker
 * at all. The output comes in pieces, cut anywhere, and no more of it is held than the limits say. A marker fills a line, blanks
 * behind it and a byte order mark at the very beginning do not count; a begin line inside of a block says that the block before
 * was not closed.
 */
export async function unfence(
  kind: FenceKind,
  pieces: Iterable<string> | AsyncIterable<string>,
  { charsMax, blocksMax }: UnfenceLimits,
): Promise<readonly Fenced[]> {
  const gather = createGathering(kind, charsMax);
  const lines = createMarkerLines(gather);
  for await (const piece of pieces) {
    lines.push(piece);
    if (gather.blocks.length >= blocksMax) return gather.blocks.slice(0, blocksMax);
  }
  lines.end();
  return gather.end();
}

interface Marker {
  readonly kind: string;
  readonly edge: 'BEGIN' | 'END';
}

/** Hears an output in its order: texts, and the markers between them. */
interface Hearer {
  text(text: string): void;
  marker(marker: Marker): void;
}

const markerStart = '#KANADE-';
const markerLine = /^#KANADE-([A-Z][A-Z0-9_-]*)-(BEGIN|END)\s*$/;
/** No line is a marker that is longer, blanks and all. */
const markerCharsMax = 256;

/** Tells markers from other text, in time that grows with the length of the output alone. */
function createMarkerLines(hearer: Hearer) {
  /** The beginning of a line that may become a marker. */
  let held = '';
  let isInLine = false;
  let isFirst = true;

  /** `text` ends with a line, or at the end of the output. */
  function tell(text: string): void {
    let told = 0;
    for (let at = text.indexOf(markerStart); at >= 0; ) {
      const isAtBegin = at === 0 ? !isInLine : text[at - 1] === '\n';
      const newline = text.indexOf('\n', at);
      const next = newline < 0 ? text.length : newline + 1;
      const found = isAtBegin && next - at <= markerCharsMax ? markerLine.exec(text.slice(at, next)) : null;
      if (found) {
        if (at > told) hearer.text(text.slice(told, at));
        hearer.marker({ kind: found[1] as string, edge: found[2] as Marker['edge'] });
        told = next;
      }
      at = text.indexOf(markerStart, next);
    }
    if (told < text.length) hearer.text(text.slice(told));
  }

  return {
    push(piece: string): void {
      if (piece === '') return;
      let text = held + piece;
      if (isFirst && text.startsWith('\ufeff')) text = text.slice(1);
      isFirst = false;
      const whole = text.lastIndexOf('\n') + 1;
      held = text.slice(whole);
      if (whole > 0) {
        tell(text.slice(0, whole));
        isInLine = false;
      }
      if (held.length <= markerCharsMax && !isInLine) return;
      hearer.text(held);
      held = '';
      isInLine = true;
    },
    end(): void {
      tell(held);
    },
  };
}

/** Gathers what is for one reader. */
function createGathering(kind: FenceKind, charsMax: number): Hearer & { blocks: Fenced[]; end(): Fenced[] } {
  const blocks: Fenced[] = [];
  let parts: string[] = [];
  let chars = 0;
  let isOpen = false;
  let isShared = false;
  const fits = (): boolean => chars <= charsMax;
  return {
    blocks,
    text(text) {
      if (isShared && !isOpen) return;
      chars += text.length;
      if (fits()) parts.push(text);
    },
    marker({ kind: of, edge }) {
      if (edge === 'BEGIN') {
        if (isOpen) blocks.push({ found: 'unclosed' });
        if (!isShared) chars = 0;
        [parts, isShared, isOpen] = [[], true, of === kind];
      } else if (isOpen && of === kind) {
        blocks.push(fits() ? { found: 'fenced', text: parts.join('') } : { found: 'too_long' });
        [parts, isOpen] = [[], false];
      } else this.text(`${markerStart}${of}-${edge}\n`);
    },
    end() {
      if (isOpen) blocks.push({ found: 'unclosed' });
      if (blocks.length > 0) return blocks;
      const text = isShared ? '' : parts.join('').trim();
      if (!isShared && !fits()) return [{ found: 'too_long' }];
      return [text === '' ? { found: 'none' } : { found: 'bare', text }];
    },
  };
}

/**
 * The output without the blocks that scripts print for the machine (`#KANADE-CHECK-BEGIN` … `#KANADE-CHECK-END`).
 * A block that was not closed hides everything up to the next opener. Where the beginning of the output was dropped, the
 * opener may be gone: a closing line without one hides everything before it.
 */
export function stripFences(text: string, { headDropped = false }: { headDropped?: boolean } = {}): string {
  let shown: string[] = [];
  let open: string | undefined;
  let isBegun = false;
  const lines = createMarkerLines({
    text(part) {
      if (open === undefined) shown.push(part);
    },
    marker({ kind, edge }) {
      if (edge === 'BEGIN') open = kind;
      else if (open === kind) open = undefined;
      else if (headDropped && !isBegun) shown = [];
      else if (open === undefined) shown.push(`${markerStart}${kind}-END\n`);
      isBegun = true;
    },
  });
  lines.push(text);
  lines.end();
  return shown.join('');
}
