/** `aws`: its JSON as `a.b: value` lines, without what could be a secret; else its table. */
import { cutLine } from '../line/line.ts';
import type { CreateFilter } from './filter.ts';
import { createDocument, parseJson } from './json-shape.ts';
import { table } from './table.ts';

const depthMax = 5;
const itemsMax = 20;
const entriesMax = 80;
const valueBytesMax = 600;
const linesMax = 400;
const hidden = /policy|secret|token|password/i;

export const aws: CreateFilter = (drop) => {
  const document = createDocument(drop);
  return {
    take: document.take,
    end() {
      const parsed = document.parse() ?? rowsOf(document.lines.map(({ text }) => text));
      if (parsed !== undefined) {
        const lines: string[] = [];
        flatten(parsed.value, '', 0, lines);
        return lines.join('\n');
      }
      const asTable = table(drop);
      for (const line of document.lines) asTable.take(line);
      return asTable.end();
    },
  };
};

function rowsOf(lines: readonly string[]): { readonly value: unknown[] } | undefined {
  const filled = lines.filter((line) => line.trim() !== '');
  const rows = filled.slice(0, entriesMax).map(parseJson);
  const known = rows.flatMap((row) => (row === undefined ? [] : [row.value]));
  return filled.length > 0 && known.length === rows.length ? { value: known } : undefined;
}

function flatten(value: unknown, path: string, depth: number, lines: string[]): void {
  if (lines.length >= linesMax) return;
  if (typeof value !== 'object' || value === null) {
    const text = String(value);
    if (Buffer.byteLength(text) <= valueBytesMax)
      lines.push(`${path || 'value'}: ${cutLine(text.replaceAll('\n', ' '))}`);
    return;
  }
  if (depth >= depthMax) {
    lines.push(`${path}: ...`);
    return;
  }
  const entries = Object.entries(value);
  const most = Array.isArray(value) ? itemsMax : entriesMax;
  for (const [key, inner] of entries.slice(0, most)) {
    if (Array.isArray(value)) flatten(inner, `${path}[${key}]`, depth + 1, lines);
    else if (!hidden.test(key)) flatten(inner, path === '' ? key : `${path}.${key}`, depth + 1, lines);
  }
  if (entries.length > most) lines.push(`${path}: ... (${entries.length - most} omitted)`);
}
