/*
 * What a run printed, as it is shown: colours, carriage returns applied, everything else that is for terminals left out. It grows by what is
 * new, in blocks that never change again once they are full, so that a page of any length is drawn by drawing its end.
 */

/** Text of one look. `look` is a list of class names; `isError`: it begins with the last line of its block that speaks of an error. */
export interface Span {
  readonly text: string;
  readonly look?: string;
  readonly isError?: true;
}

export interface TranscriptBlock {
  readonly id: number;
  readonly spans: readonly Span[];
  /** Characters of the source in it. */
  readonly chars: number;
  /** Lines of the source in it, at least one. */
  readonly lines: number;
}

export interface Transcript {
  /** What has been taken in and is still shown. */
  readonly source: string;
  /** Characters of the output before it that are gone. */
  readonly droppedChars: number;
  readonly blocks: readonly TranscriptBlock[];
  /** The look at the beginning of the last block, which is drawn anew with every change. */
  readonly pen: Pen;
  /** Source of the last block. */
  readonly tail: string;
}

/** A block is full at this many characters or lines; a line may be cut there. */
const blockMax = { chars: 8 * 1024, lines: 200 } as const;

export const emptyTranscript: Transcript = { source: '', droppedChars: 0, blocks: [], pen: {}, tail: '' };

/** The transcript of `source`, made from the one before where that is its beginning; else from nothing. */
export function followSource(before: Transcript, source: string, droppedChars: number): Transcript {
  const gone = droppedChars - before.droppedChars;
  const isGrown = gone >= 0 && gone <= before.source.length && source.startsWith(before.source.slice(gone));
  if (!isGrown) return append({ ...emptyTranscript, droppedChars }, source, source);
  return append(forget(before, gone, droppedChars), source.slice(before.source.length - gone), source);
}

/** Leaves out the blocks whose text is gone altogether. */
function forget(before: Transcript, gone: number, droppedChars: number): Transcript {
  let left = before.source.length - gone;
  let keep = before.blocks.length;
  while (keep > 0 && left > 0) {
    keep -= 1;
    left -= before.blocks[keep]?.chars ?? 0;
  }
  return keep === 0 ? { ...before, droppedChars } : { ...before, droppedChars, blocks: before.blocks.slice(keep) };
}

function append(before: Transcript, added: string, source: string): Transcript {
  if (added === '') return { ...before, source };
  const blocks = before.tail === '' ? [...before.blocks] : before.blocks.slice(0, -1);
  let nextId = (before.blocks.at(-1)?.id ?? -1) + (before.tail === '' ? 1 : 0);
  let rest = before.tail + added;
  let pen = before.pen;
  for (;;) {
    const end = blockEnd(rest);
    const part = rest.slice(0, end ?? rest.length);
    const drawn = draw(part, pen);
    blocks.push({ id: nextId, spans: withError(drawn.spans), chars: part.length, lines: lineCount(part) });
    if (end === undefined) return { source, droppedChars: before.droppedChars, blocks, pen, tail: part };
    nextId += 1;
    pen = drawn.pen;
    rest = rest.slice(end);
    if (rest === '') return { source, droppedChars: before.droppedChars, blocks, pen, tail: '' };
  }
}

/** Where the first block of the text is full: after a line if there is one in it. Undefined when it is not full yet. */
function blockEnd(text: string): number | undefined {
  let at = 0;
  for (let lines = 0; lines < blockMax.lines; lines += 1) {
    const next = text.indexOf('\n', at) + 1;
    if (next === 0 || next > blockMax.chars) {
      if (text.length <= blockMax.chars) return undefined;
      return at > 0 ? at : wholeCharacters(text, blockMax.chars);
    }
    at = next;
  }
  return at;
}

const wholeCharacters = (text: string, at: number): number => {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at + 1 : at;
};

function lineCount(text: string): number {
  let lines = text.endsWith('\n') ? 0 : 1;
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

const errorLine = /^.{0,200}\b(?:error|errors|failed|failure|fatal|panic|exception)\b|エラー|失敗|異常終了/gim;

/** The last line that speaks of an error begins a span of its own. */
function withError(spans: readonly Span[]): readonly Span[] {
  const text = spans.map((span) => span.text).join('');
  let found = -1;
  for (const { index } of text.matchAll(errorLine)) found = index;
  if (found === -1) return spans;
  let at = text.lastIndexOf('\n', found - 1) + 1;
  return spans.flatMap((span) => {
    const inside = at;
    at -= span.text.length;
    if (inside < 0 || at >= 0) return [span];
    const error: Span = { ...span, text: span.text.slice(inside), isError: true };
    return inside === 0 ? [error] : [{ ...span, text: span.text.slice(0, inside) }, error];
  });
}

/** Colour, weight: what stays in force until it is changed. */
export interface Pen {
  readonly colour?: string | undefined;
  readonly isBold?: boolean;
}

/** One thing that is not text: a colour change, a return to the line's beginning, or something for terminals only. */
const control =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are
  /\x1b\[([0-9;:]{0,64})m|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|\r+|[\0-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

function draw(part: string, start: Pen): { spans: readonly Span[]; pen: Pen } {
  const spans: Span[] = [];
  let pen = start;
  let at = 0;
  const put = (text: string): void => {
    if (text === '') return;
    const look = lookOf(pen);
    const last = spans.at(-1);
    if (last && last.look === look) spans[spans.length - 1] = { ...last, text: last.text + text };
    else spans.push(look === undefined ? { text } : { text, look });
  };
  for (const match of part.matchAll(control)) {
    put(part.slice(at, match.index));
    at = match.index + match[0].length;
    if (match[1] !== undefined) pen = penAfter(pen, match[1]);
    // At the very end the line is not written over yet: what it says stays until something new does.
    else if (match[0].startsWith('\r') && at < part.length && part[at] !== '\n') eraseLine(spans);
  }
  put(part.slice(at));
  return { spans, pen };
}

/** What is written over from the beginning of a line is gone. */
function eraseLine(spans: Span[]): void {
  for (let last = spans.pop(); last; last = spans.pop()) {
    const end = last.text.lastIndexOf('\n') + 1;
    if (end === 0) continue;
    spans.push({ ...last, text: last.text.slice(0, end) });
    return;
  }
}

const colours = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'];

/** Foregrounds and weight; backgrounds are left out, so that every text stays readable in light and dark. */
function penAfter(pen: Pen, parameters: string): Pen {
  let next = pen;
  const codes = parameters.split(/[;:]/).map(Number);
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next = { ...next, isBold: true };
    else if (code === 22) next = { ...next, isBold: false };
    else if (code === 39) next = { ...next, colour: undefined };
    else if (code >= 30 && code <= 37) next = { ...next, colour: colours[code - 30] };
    else if (code >= 90 && code <= 97) next = { ...next, colour: colours[code - 90] };
    // A colour of a larger palette: its numbers are not codes.
    else if (code === 38 || code === 48) index += codes[index + 1] === 2 ? 4 : 2;
  }
  return next;
}

function lookOf({ colour, isBold }: Pen): string | undefined {
  if (colour === undefined) return isBold ? 'bold' : undefined;
  return isBold ? `ansi-${colour} bold` : `ansi-${colour}`;
}

/** The text alone, as it goes to a clipboard or a file. */
export function plainText(source: string): string {
  return draw(source, {})
    .spans.map(({ text }) => text)
    .join('');
}
