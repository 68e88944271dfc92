/** A notification as a desktop shows it: plain text, bounded, nothing in it that moves a cursor or turns the direction of writing. */
import { limits } from '../limits.ts';

export interface ToastText {
  readonly title: string;
  readonly body: string;
}

export function toastText({ title, body }: ToastText): ToastText {
  return {
    title: cut(oneLine(visible(head(title))), limits.toastTitleCharsMax) || 'kanade',
    body: cut(plainOf(visible(head(body))), limits.toastBodyCharsMax),
  };
}

/** For servers that read the body as markup: what it says is shown, and nothing of it is a tag. */
export const asMarkup = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** More is not looked at: what is cut away below must not cost time. */
const head = (text: string): string => text.slice(0, 4 * limits.toastBodyCharsMax).toWellFormed();

/** Without control characters, line breaks and tabs aside, and without what changes the direction of writing. */
const visible = (text: string): string =>
  text
    .replaceAll(/\r\n?/g, '\n')
    .replaceAll(/[\p{Cc}\p{Co}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (sign) =>
      sign === '\n' || sign === '\t' ? sign : '',
    );

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** What Markdown says, without its signs. What only looks like Markdown stays. */
function plainOf(markdown: string): string {
  const lines = markdown.split('\n').map(plainLine);
  return lines
    .filter((line) => line !== undefined)
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
}

/** A line without what makes it a heading, quote, item, rule, fence or row; undefined when nothing else is in it. */
function plainLine(line: string): string | undefined {
  const text = line.trim();
  if (/^(`{3,}|~{3,})/.test(text) || /^([-*_])( ?\1){2,}$/.test(text) || isRowOfLines(text)) return undefined;
  const bare = text
    .replace(/^(> ?)+/, '')
    .replace(/^#{1,6} +/, '')
    .replace(/^[-*+] +(\[[ xX]\] +)?/, '• ')
    .replace(/^\|(.*)\|$/, '$1');
  return plainWords(text.startsWith('|') ? bare.replaceAll(/ *\| */g, '  ').trim() : bare);
}

/** Below the heads of a table. */
const isRowOfLines = (text: string): boolean => /^[ :|-]+$/.test(text) && text.includes('|') && text.includes('-');

/** Signs that stand for themselves are out of reach meanwhile, in a part of Unicode for private use. */
const aside = 0xe000;
const plainWords = (text: string): string =>
  text
    .replaceAll(/\\([\\`*_{}[\]()#+.!|>~-])/g, (_, sign: string) => String.fromCharCode(aside + sign.charCodeAt(0)))
    .replaceAll(/!?\[([^[\]]*)\]\([^()\s]*(?: "[^"]*")?\)/g, '$1')
    .replaceAll(/<((?:https?:\/\/|mailto:)[^<>\s]+)>/g, '$1')
    .replaceAll(/(\*\*|__|~~)(?=\S)([^*_~]+?)\1/g, '$2')
    .replaceAll(/(?<![\p{L}\p{N}*_])([*_])(?=\S)([^*_]+?)\1(?![\p{L}\p{N}*_])/gu, '$2')
    .replaceAll(/`+([^`]+)`+/g, '$1')
    .replaceAll(/[\ue000-\ue07f]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - aside));

/** The first characters of a text, never half of one, with a sign that there is more. */
function cut(text: string, charsMax: number): string {
  const chars = [...text];
  return chars.length <= charsMax
    ? text
    : `${chars
        .slice(0, charsMax - 1)
        .join('')
        .trimEnd()}…`;
}
