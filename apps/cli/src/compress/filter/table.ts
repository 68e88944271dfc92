/** Tables of docker, kubectl and psql: the rows that are not well first, cells without their padding. */
import { boundary, cutLine, type OutputLine } from '../line/line.ts';
import type { CreateFilter } from './filter.ts';

const rowsMax = 30;
const rowsHeld = 2_000;

const abnormal = /error|fail|crash|backoff|unhealthy|exited|pending|terminating|evicted|oomkilled|notready|unknown/i;

/** Columns that are shown where a table has more than these; the first column always. */
const known =
  /^(?:name|names|container id|image|status|state|ready|restarts|ports|age|namespace|type|cluster-ip|repository|tag|size|service|reason|node|message|desired|current|available|up-to-date|version|roles)$/i;

interface Row {
  readonly line: OutputLine;
  readonly cells: readonly string[];
}

export const table: CreateFilter = (drop) => {
  let header: readonly string[] | undefined;
  let cellsOf: ((text: string) => string[]) | undefined;
  let before: OutputLine | undefined;
  const rows: Row[] = [];
  let more = 0;
  return {
    take(line) {
      const { text } = line;
      if (/^\(\d+ rows?\)\s*$|^\s*$/.test(text)) return drop(line);
      if (text.includes('-') && /^[\s|+=-]+$/.test(text)) {
        drop(line);
        if (header !== undefined || before === undefined) return;
        cellsOf = pipeCells;
        header = pipeCells(before.text);
        before = undefined;
        return;
      }
      if (cellsOf === undefined) {
        if (before !== undefined) drop(before);
        before = undefined;
        const columns = columnsOf(text);
        if (columns === undefined) before = line;
        else {
          cellsOf = (row) => columns.map((from, at) => cell(row, from, columns[at + 1] ?? row.length));
          header = cellsOf(text);
        }
        return;
      }
      if (rows.length < rowsHeld || abnormal.test(text)) rows.push({ line, cells: cellsOf(text) });
      else drop(line);
      if (rows.length > rowsHeld) {
        const at = rows.findIndex((row) => !abnormal.test(row.line.text));
        for (const row of rows.splice(Math.max(0, at), 1)) drop(row.line);
        more++;
      }
    },
    end() {
      if (before !== undefined) drop(before);
      if (header === undefined || rows.length === 0) return '';
      return shownTable(header, rows, { drop, more });
    },
  };
};

function shownTable(
  header: readonly string[],
  rows: readonly Row[],
  { drop, more }: { drop: (line: OutputLine) => void; more: number },
): string {
  const knownColumns = header.flatMap((name, at) => (at === 0 || known.test(name) ? [at] : []));
  const columns = knownColumns.length >= 2 ? knownColumns : [...header.keys()];
  const sorted = [...rows.filter(isAbnormal), ...rows.filter((row) => !isAbnormal(row))];
  for (const { line } of sorted.slice(rowsMax)) drop(line);
  const omitted = more + Math.max(0, sorted.length - rowsMax);
  const joined = (cells: readonly string[]) => cutLine(columns.map((at) => cells[at] ?? '').join(' | '));
  return [
    joined(header),
    ...sorted.slice(0, rowsMax).map(({ cells }) => joined(cells)),
    ...(omitted > 0 ? [`... +${omitted} rows omitted`] : []),
  ].join('\n');
}

const isAbnormal = ({ line }: Row): boolean => abnormal.test(line.text);

const pipeCells = (text: string): string[] =>
  text
    .replace(/^\s*\||\|\s*$/g, '')
    .split('|')
    .map((part) => part.trim());

/** Where the columns of a fixed-width header begin; undefined for a line that is no header. */
function columnsOf(text: string): number[] | undefined {
  if (!/^[A-Z][A-Z0-9 _()/%-]*$/.test(text.trim())) return undefined;
  const begins = [...text.trimEnd().matchAll(/(?:^|\s{2,})(?=\S)/g)].map((match) => match.index + match[0].length);
  return begins.length >= 2 ? begins : undefined;
}

/** A cell by its columns, in characters: a row with wider letters is cut between two of them, never inside one. */
const cell = (row: string, from: number, to: number): string =>
  row.slice(boundary(row, Math.min(from, row.length)), boundary(row, Math.min(to, row.length))).trim();
