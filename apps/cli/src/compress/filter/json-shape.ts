/** JSON: its shape. One document, or a document a line. */
import { isErrorLine } from '../line/error-line.ts';
import { boundary, cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createTally, type Drop } from './filter.ts';

const keysMax = 20;
const shapesMax = 20;
const errorsMax = 20;
const valueCharsMax = 300;
/** Text of one document that is held, in characters. A larger one is not parsed. */
export const documentCharsMax = 1024 * 1024;

/** The lines of a stream until they are too many, and what they are as JSON. */
export function createDocument(drop: Drop) {
  const lines: OutputLine[] = [];
  let chars = 0;
  let isTooLarge = false;
  return {
    /** False for a line that is no longer held. */
    take(line: OutputLine): void {
      chars += line.text.length + 1;
      if (isTooLarge || chars > documentCharsMax) {
        isTooLarge = true;
        drop(line);
      } else lines.push(line);
    },
    lines: lines as readonly OutputLine[],
    /** The one document that all lines are together; undefined when they are none. */
    parse(): { readonly value: unknown } | undefined {
      if (isTooLarge || chars === 0) return undefined;
      return parseJson(lines.map(({ text }) => text).join('\n'));
    },
  };
}

export function parseJson(text: string): { readonly value: unknown } | undefined {
  if (!/^\s*[{["\d-]/.test(text.slice(0, 200)) && !/^\s*(?:true|false|null)\s*$/.test(text.slice(0, 200)))
    return undefined;
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const typeOf = (value: unknown): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

/** What a value looks like: `object keys=2 [a:string, b:array]`, `array len=3 item_shape=(…)`, or its type. */
export function shapeOf(value: unknown): string {
  if (Array.isArray(value))
    return `array len=${value.length}${value.length > 0 ? ` item_shape=(${shapeOf(value[0])})` : ''}`;
  if (!isObject(value)) return typeOf(value);
  const keys = Object.keys(value);
  const shown = keys.slice(0, keysMax).map((key) => `${cutLine(key, 80)}:${typeOf(value[key])}`);
  return `object keys=${keys.length} [${shown.join(', ')}${keys.length > keysMax ? ', ...' : ''}]`;
}

export const jsonShape: CreateFilter = (drop) => {
  const rows = createTally<{ count: number }>(shapesMax, () => ({ count: 0 }));
  const document = createDocument(drop);
  let rowCount = 0;
  let others = 0;
  return {
    take(line) {
      const { text } = line;
      const row = isRow(text) ? parseJson(text) : undefined;
      if (row !== undefined && others === 0) {
        rowCount++;
        const shape = rows.of(nested(row.value));
        if (shape) shape.count++;
        // A row that tells an error is told as it stands.
        if (rowCount > 1 || isErrorLine(text, 'log')) drop(line);
        else document.take(line);
        return;
      }
      if (text.trim() !== '') others++;
      document.take(line);
    },
    end() {
      if (rowCount > 1 && others === 0) {
        const shapes = [...rows.entries].map(([shape, { count }]) => `${count}x ${shape}`);
        return [
          `ndjson rows=${rowCount}`,
          ...shapes,
          ...(rows.others > 0 ? [`... ${rows.others} rows of more shapes`] : []),
        ].join('\n');
      }
      const parsed = rowCount === 0 || others === 0 ? document.parse() : undefined;
      if (parsed === undefined) return '';
      return [nested(parsed.value), ...errorsIn(parsed.value)].join('\n');
    },
  };
};

const isRow = (text: string): boolean => text.startsWith('{') && text.trimEnd().endsWith('}');

/** An array of arrays of arrays has a shape as long as it is deep. */
const nested = (value: unknown): string => cutLine(shapeOf(value), 2_000);

const errorKey = /^(?:errors?|exception|fatal|error_?message|stack_?trace)$/i;

/** What stands under the names of errors, with where: at most so many, to a depth and a number of values that cost nothing. */
function errorsIn(document: unknown): string[] {
  const found: string[] = [];
  let looked = 0;
  const look = (value: unknown, path: string, depth: number): void => {
    if (depth > 6 || typeof value !== 'object' || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (found.length >= errorsMax || ++looked > 20_000) return;
      const at = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
      const isTold = errorKey.test(key) && inner !== null && inner !== false && inner !== 0 && inner !== '';
      if (!isTold || (Array.isArray(inner) && inner.length === 0)) look(inner, at, depth + 1);
      else found.push(`${cutLine(at, 120)}: ${cutText(JSON.stringify(inner))}`);
    }
  };
  look(document, '', 0);
  return found;
}

const cutText = (text: string): string =>
  text.length <= valueCharsMax ? text : `${text.slice(0, boundary(text, valueCharsMax))} …`;
