/** Text for people: colours, columns, sizes and times. Pure; loaded on demand. */

const codes = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;
export type Colour = keyof typeof codes;

export type Paint = (text: string, colour: Colour | undefined) => string;

/** Colours texts, or leaves them as they are. */
export const createPaint =
  (colourful: boolean): Paint =>
  (text, colour) =>
    colourful && colour !== undefined && text !== '' ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text;

/** Control characters as what they are: a command line must not paint the terminal. */
export const printable = (line: string): string =>
  line.replace(/\p{Cc}/gu, (character) =>
    JSON.stringify(character)
      .slice(1, -1)
      .replace(/^\x7f$|^[\x80-\x9f]$/, '?'),
  );

/** Text of several lines with control characters as what they are, but for tabs and the ends of lines. */
export const visible = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.split('\t').map(printable).join('\t'))
    .join('\n');

/** A value in one line. */
export function lineOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(lineOf).join(' ');
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** Characters that fill two columns. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

const widthOf = (text: string): number => [...text].reduce((sum, character) => sum + (wide.test(character) ? 2 : 1), 0);

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)));

/** A cell: its text, and its colour where it has one. */
export interface Cell {
  readonly text: string;
  readonly colour?: Colour | undefined;
}

/** Rows below their heads, in columns; nothing without a row. */
export function tableOf(heads: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string {
  if (rows.length === 0) return '';
  const all = [heads.map((text): Cell => ({ text, colour: 'bold' })), ...rows];
  const widths = heads.map((_, at) => Math.max(...all.map((row) => widthOf(row[at]?.text ?? ''))));
  const lines = all.map((row) => {
    const last = row.findLastIndex(({ text }) => text !== '');
    return row
      .slice(0, last + 1)
      .map(
        ({ text, colour }, at) =>
          paint(text, colour) + (at === last ? '' : padded(text, widths[at] ?? 0).slice(text.length)),
      )
      .join('  ');
  });
  return `${lines.join('\n')}\n`;
}

/** A time for people: `45 ms`, `3.2 s`, `2 min 5 s`, `3 h 20 min`. */
export function timeOf(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** Bytes for people. */
export function sizeOf(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), 4);
  return `${(bytes / 1024 ** power).toFixed(1)} ${['', 'KiB', 'MiB', 'GiB', 'TiB'][power]}`;
}

/** A count and its noun: `1 job`, `3 jobs`. */
export const some = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
