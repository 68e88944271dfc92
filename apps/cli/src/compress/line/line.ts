/** One line of output, as people see it: without escape sequences, never cut inside a character. */

/** A line and where it stands in the log, in bytes; `to` is behind its line end. */
export interface OutputLine {
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

// No two neighbours of these patterns can match the same character: they run in time linear in the text.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const controlSequence = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,2048}(?:\x07|\x1b\\)|[ -/]*[0-Z\\-~])/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the same
const otherControls = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;
const allOtherControls = new RegExp(otherControls, 'g');

/** The text without colours, cursor movements, titles and other controls; tabs stay. */
export function withoutControls(text: string): string {
  const plain = text.includes('\x1b') ? text.replace(controlSequence, '') : text;
  return otherControls.test(plain) ? plain.replace(allOtherControls, '') : plain;
}

/** Most characters of a line in a view. */
export const lineCharsMax = 400;

/**
 * A line in at most `charsMax` characters and a note of how many are missing; around `focus`, a place in the line, where that is given.
 * No character of two UTF-16 units is split.
 */
export function cutLine(text: string, charsMax: number = lineCharsMax, focus = 0): string {
  if (text.length <= charsMax) return text;
  const isFar = focus > charsMax * 0.75;
  const headEnd = boundary(text, isFar ? Math.floor(charsMax / 4) : charsMax);
  if (!isFar) return `${text.slice(0, headEnd)} … [+${text.length - headEnd} characters]`;
  const from = boundary(text, Math.max(headEnd, focus - Math.floor(charsMax / 4)));
  const to = boundary(text, Math.min(text.length, from + Math.floor(charsMax / 2)));
  const missing = text.length - headEnd - (to - from);
  return `${text.slice(0, headEnd)} … ${text.slice(from, to)} … [+${missing} characters]`;
}

/** The nearest place at or before `at` that is between two characters. */
export function boundary(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  const isSecondHalf = unit >= 0xdc00 && unit <= 0xdfff;
  const before = text.charCodeAt(at - 1);
  return isSecondHalf && before >= 0xd800 && before <= 0xdbff ? at - 1 : at;
}

export const bytesOf = (text: string): number => Buffer.byteLength(text);
