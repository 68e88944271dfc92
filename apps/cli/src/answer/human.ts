/** Answers for people: tables, colours on a terminal. Loaded on demand. */
import { isatty } from 'node:tty';
import type { Io } from '../io.ts';
import type { Document } from './envelope.ts';

type Paint = (text: string, colour: keyof typeof codes) => string;

const codes = { red: 31, green: 32, yellow: 33, bold: 1, dim: 2 } as const;

const stateColours: Readonly<Record<string, keyof typeof codes>> = {
  running: 'green',
  created: 'dim',
  killed: 'yellow',
  failed: 'red',
  unknown: 'red',
};

/** Keys that say nothing to people. */
const hidden = ['schema_version', 'ok', 'type', 'encoding', 'stdout', 'stderr', 'stdout_range', 'stderr_range'];

/** Prints a document. Colours need a terminal and no `NO_COLOR`. */
export function printHuman(io: Io, document: object): void {
  const answer = document as Document;
  const colourful = isatty(1) && !io.env.NO_COLOR;
  const paint: Paint = (text, colour) => (colourful ? `\x1b[${codes[colour]}m${text}\x1b[0m` : text);
  if (!answer.ok) {
    const { code, message } = answer.error as { code: string; message: string };
    io.stdout(`${paint(code, 'red')}  ${printable(message)}\n`);
    return;
  }
  const { jobs, findings } = answer;
  const body = Array.isArray(jobs)
    ? table(
        jobs,
        answer.type === 'list' ? ['short_job_id', 'state', 'exit_code', 'started_at', 'tags', 'command'] : undefined,
        paint,
      )
    : Array.isArray(findings)
      ? table(findings, undefined, paint)
      : '';
  io.stdout(`${body}${fields(answer, paint)}${output(answer, paint)}`);
}

/** Lines of a key and a value for everything that is not shown otherwise. */
function fields(answer: Document, paint: Paint): string {
  const shown = Object.entries(answer).filter(([key, value]) => !hidden.includes(key) && !isTable(value));
  const width = Math.max(0, ...shown.map(([key]) => key.length));
  return shown.map(([key, value]) => `${paint(key.padEnd(width), 'dim')}  ${cell(key, value, paint)}\n`).join('');
}

const isTable = (value: unknown): boolean => Array.isArray(value) && typeof value[0] === 'object';

/** What the job printed, below the fields. */
function output(answer: Document, paint: Paint): string {
  const parts = (['stdout', 'stderr'] as const).map((name) => {
    const text = answer[name];
    return typeof text === 'string' && text !== ''
      ? `${paint(`--- ${name}`, 'dim')}\n${text.replace(/\n?$/, '\n')}`
      : '';
  });
  return parts.join('');
}

function table(rows: readonly Record<string, unknown>[], wanted: readonly string[] | undefined, paint: Paint): string {
  if (rows.length === 0) return '';
  const columns = wanted ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const widths = columns.map((key) => Math.max(key.length, ...rows.map((row) => text(row[key]).length)));
  const head = columns.map((key, at) => paint(key.padEnd(widths[at] ?? 0), 'bold')).join('  ');
  const lines = rows.map((row) =>
    columns
      .map((key, at) => cell(key, row[key], paint) + ' '.repeat((widths[at] ?? 0) - text(row[key]).length))
      .join('  ')
      .trimEnd(),
  );
  return `${[head.trimEnd(), ...lines].join('\n')}\n\n`;
}

function cell(key: string, value: unknown, paint: Paint): string {
  const colour = key === 'state' ? stateColours[String(value)] : undefined;
  return colour ? paint(text(value), colour) : text(value);
}

function text(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(text).join(' ');
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** Control characters as what they are: a command line must not paint the terminal. */
const printable = (line: string): string =>
  line.replace(/\p{Cc}/gu, (character) =>
    JSON.stringify(character)
      .slice(1, -1)
      .replace(/^\x7f$|^[\x80-\x9f]$/, '?'),
  );
