/*
 * The Markdown that operators write in notifications, as data: the page makes elements of it, and no text ever becomes markup. What is not
 * in here (HTML, images) stays the text that it is.
 */

export type MarkdownInline =
  | string
  | { readonly kind: 'strong' | 'em' | 'del'; readonly inside: readonly MarkdownInline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly href: string; readonly inside: readonly MarkdownInline[] }
  | { readonly kind: 'break' };

export type MarkdownPart =
  | { readonly kind: 'heading'; readonly level: number; readonly inside: readonly MarkdownInline[] }
  | { readonly kind: 'paragraph'; readonly inside: readonly MarkdownInline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly parts: readonly MarkdownPart[] }
  | { readonly kind: 'list'; readonly start: number | undefined; readonly items: readonly (readonly MarkdownPart[])[] }
  | { readonly kind: 'table'; readonly head: readonly Cell[]; readonly rows: readonly (readonly Cell[])[] }
  | { readonly kind: 'rule' };

type Cell = readonly MarkdownInline[];

/** Characters that are read; what is beyond is not shown. Depth of quotes and lists within each other; beyond, plain text. */
const markdownLimits = { chars: 64 * 1024, depth: 6 } as const;

/** Never throws, and takes time in proportion to the text. */
export function parseMarkdown(text: string): readonly MarkdownPart[] {
  return readParts(text.slice(0, markdownLimits.chars).replace(/\r\n?/g, '\n').split('\n'), 0);
}

/** A reader takes what it knows from the front of the lines and says how many; undefined when it is not for it. */
type Reader = (lines: readonly string[], at: number, depth: number) => Taken | undefined;

interface Taken {
  readonly part: MarkdownPart;
  readonly next: number;
}

const fence = /^ {0,3}(`{3,}|~{3,})/;
const heading = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const rule = /^ {0,3}(?:-[ \t]*){3,}$|^ {0,3}(?:\*[ \t]*){3,}$|^ {0,3}(?:_[ \t]*){3,}$/;
const quote = /^ {0,3}> ?/;
const item = /^( {0,3}(?:[-*+]|(\d{1,9})[.)])[ \t]+)(.*)$/;
const divider = /^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
const blank = /^[ \t]*$/;

/** What ends a paragraph without an empty line. */
const interrupts = [fence, heading, rule, quote, item];

/** Longest line under the head of a table: its pattern looks back. */
const tableCharsMax = 1024;

const readers: readonly Reader[] = [readFence, readHeading, readRule, readQuote, readList, readTable];

function readParts(lines: readonly string[], depth: number): readonly MarkdownPart[] {
  const parts: MarkdownPart[] = [];
  let at = 0;
  while (at < lines.length) {
    if (blank.test(lines[at] ?? '')) {
      at += 1;
      continue;
    }
    const taken = readSpecial(lines, at, depth) ?? readParagraph(lines, at);
    parts.push(taken.part);
    at = taken.next;
  }
  return parts;
}

function readSpecial(lines: readonly string[], at: number, depth: number): Taken | undefined {
  if (depth > markdownLimits.depth) return undefined;
  for (const reader of readers) {
    const taken = reader(lines, at, depth);
    if (taken) return taken;
  }
  return undefined;
}

function readFence(lines: readonly string[], at: number): Taken | undefined {
  const mark = fence.exec(lines[at] ?? '')?.[1];
  if (mark === undefined) return undefined;
  const end = lines.findIndex((line, index) => index > at && line.trim().startsWith(mark));
  const body = lines.slice(at + 1, end === -1 ? lines.length : end);
  return { part: { kind: 'code', text: body.join('\n') }, next: end === -1 ? lines.length : end + 1 };
}

function readHeading(lines: readonly string[], at: number): Taken | undefined {
  const [, marks = '', words = ''] = heading.exec(lines[at] ?? '') ?? [];
  if (marks === '') return undefined;
  const inside = readInline(words.trimEnd().replace(/[ \t]#+$/, ''));
  return { part: { kind: 'heading', level: marks.length, inside }, next: at + 1 };
}

function readRule(lines: readonly string[], at: number): Taken | undefined {
  return rule.test(lines[at] ?? '') ? { part: { kind: 'rule' }, next: at + 1 } : undefined;
}

function readQuote(lines: readonly string[], at: number, depth: number): Taken | undefined {
  let next = at;
  while (quote.test(lines[next] ?? '')) next += 1;
  if (next === at) return undefined;
  const inner = lines.slice(at, next).map((line) => line.replace(quote, ''));
  return { part: { kind: 'quote', parts: readParts(inner, depth + 1) }, next };
}

function readList(lines: readonly string[], at: number, depth: number): Taken | undefined {
  const first = item.exec(lines[at] ?? '');
  if (!first) return undefined;
  const items: string[][] = [];
  let next = at;
  let indent = 0;
  for (; next < lines.length; next += 1) {
    const line = lines[next] ?? '';
    const opener = item.exec(line);
    const isDeeper = indent > 0 && line.startsWith(' '.repeat(Math.min(indent, 2)));
    if (opener && !isDeeper) {
      if ((opener[2] === undefined) !== (first[2] === undefined)) break;
      indent = opener[1]?.length ?? 2;
      items.push([opener[3] ?? '']);
    } else if (isDeeper || (blank.test(line) && lines[next + 1]?.startsWith('  ') === true)) {
      items.at(-1)?.push(line.replace(new RegExp(`^ {0,${indent}}`), ''));
    } else break;
  }
  const start = first[2] === undefined ? undefined : Number(first[2]);
  return { part: { kind: 'list', start, items: items.map((inner) => readParts(inner, depth + 1)) }, next };
}

function readTable(lines: readonly string[], at: number): Taken | undefined {
  const first = lines[at] ?? '';
  const second = lines[at + 1] ?? '';
  if (!first.includes('|') || second.length > tableCharsMax || !divider.test(second)) return undefined;
  const head = readCells(first);
  let next = at + 2;
  const rows: (readonly Cell[])[] = [];
  for (; lines[next]?.includes('|'); next += 1) {
    const cells = readCells(lines[next] ?? '');
    rows.push(head.map((_, column) => cells[column] ?? []));
  }
  return { part: { kind: 'table', head, rows }, next };
}

function readCells(line: string): readonly Cell[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '');
  return inner.split('|').map((cell) => readInline(cell.trim()));
}

function readParagraph(lines: readonly string[], at: number): Taken {
  const isOver = (line: string): boolean => blank.test(line) || interrupts.some((pattern) => pattern.test(line));
  let next = at + 1;
  while (next < lines.length && !isOver(lines[next] ?? '')) next += 1;
  const inside = lines.slice(at, next).flatMap((line, index): MarkdownInline[] => {
    const words = readInline(line.trim());
    return index === 0 ? [...words] : [{ kind: 'break' }, ...words];
  });
  return { part: { kind: 'paragraph', inside }, next };
}

/**
 * One mark of the inline kind; the first alternative that matches at a place wins. Each class excludes its own end, so none looks back. A bare
 * address is ASCII: Japanese has no space between it and the words behind it.
 */
const inlineMark =
  /\\([!-/:-@[-`{-~])|(`{1,3})([^`]+)\2(?!`)|\*\*([^*\n]+)\*\*|__([^_\n]+)__|~~([^~\n]+)~~|\*([^*\s][^*\n]*)\*|(?<![\p{L}\p{N}_])_([^_\s][^_\n]*)_(?![\p{L}\p{N}_])|\[([^[\]\n]+)\]\(([^()\s]*)(?:[ \t]+"[^"\n]*")?\)|<(https?:\/\/[^\s<>]+)>|(https?:\/\/[!#-&(*-;=?-\\^-~]+[#-&(*+\-/0-9=@-\\^-~])/gu;

function readInline(text: string): readonly MarkdownInline[] {
  const found: MarkdownInline[] = [];
  let at = 0;
  for (const match of text.matchAll(inlineMark)) {
    if (match.index > at) found.push(text.slice(at, match.index));
    found.push(inlineOf(match));
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push(text.slice(at));
  return found;
}

function inlineOf(match: RegExpExecArray): MarkdownInline {
  const [whole, escaped, , code, bold, bold2, gone, em, em2, label, target, enclosed, plain] = match;
  const bare = enclosed ?? plain;
  if (escaped !== undefined) return escaped;
  if (code !== undefined) return { kind: 'code', text: code };
  const strong = bold ?? bold2;
  if (strong !== undefined) return { kind: 'strong', inside: readInline(strong) };
  if (gone !== undefined) return { kind: 'del', inside: readInline(gone) };
  const emphasised = em ?? em2;
  if (emphasised !== undefined) return { kind: 'em', inside: readInline(emphasised) };
  const href = webAddress(target ?? bare ?? '');
  // A link that leads nowhere good stays what was written, so that the reader sees it.
  if (href === undefined) return whole;
  return { kind: 'link', href, inside: label === undefined ? [bare ?? href] : readInline(label) };
}

/** The address as the browser reads it, if it is one of the web; nothing else may become a link. */
export function webAddress(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, href } = new URL(text);
  return protocol === 'http:' || protocol === 'https:' ? href : undefined;
}
