/** What compilers and linters say, by file, severity and code; every error of it, as far as there is room. */
import { cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createTally } from './filter.ts';
import { createDocument, isObject } from './json-shape.ts';

const groupsMax = 24;
const samplesMax = 3;
/** Errors beyond the samples of their group that are shown as well. */
const moreErrorsMax = 80;
const messageBytesMax = 180;

interface Diagnostic {
  readonly file: string;
  readonly severity: string;
  readonly code: string;
  readonly place: string;
  readonly message: string;
}

interface Group {
  count: number;
  readonly samples: string[];
}

/** Reads the diagnostics out of lines; `file` is the last heading, a path alone in a line. */
export type ReadDiagnostic = (text: string, file: string) => Diagnostic | undefined;

interface Reader {
  readonly read: ReadDiagnostic;
  /** Diagnostics of a JSON report. */
  readonly report?: (value: unknown) => Diagnostic[];
}

const createGrouping =
  ({ read, report }: Reader): CreateFilter =>
  (drop) => {
    const groups = createTally<Group>(groupsMax, () => ({ count: 0, samples: [] }));
    const document = createDocument(drop);
    const extras: OutputLine[] = [];
    let [total, more, file] = [0, moreErrorsMax, ''];
    let isDocument: boolean | undefined;
    const add = (found: Diagnostic): boolean => {
      total++;
      const group = groups.of(`${cutLine(found.file)} [${found.severity}] ${found.code}`);
      if (group === undefined) return false;
      group.count++;
      if (group.samples.length >= samplesMax && (found.severity !== 'error' || --more < 0)) return false;
      group.samples.push(`  ${found.place}: ${cutMessage(found.message)}`);
      return true;
    };
    return {
      take(line) {
        const { text } = line;
        if (isDocument === undefined && text.trim() !== '') isDocument = report !== undefined && /^\s*[{[]/.test(text);
        if (isDocument) return document.take(line);
        const found = read(text, file);
        if (found !== undefined) {
          if (!add(found)) drop(line);
          return;
        }
        if (isPath(text)) file = text.trim();
        if (extras.length < 20 && total > 0 && isTotal.test(text)) extras.push(line);
        else drop(line);
      },
      end() {
        const parsed = isDocument ? document.parse() : undefined;
        if (parsed !== undefined) report?.(parsed.value).map(add);
        if (total === 0) {
          for (const line of [...document.lines, ...extras]) drop(line);
          return '';
        }
        const shown = [...groups.entries].flatMap(([head, { count, samples }]) => [
          `${head} count=${count}`,
          ...samples,
        ]);
        const others = groups.others > 0 ? [`... ${groups.others} diagnostics in more groups`] : [];
        const head = `diagnostics total=${total} groups=${groups.entries.size}`;
        return [head, ...shown, ...others, ...extras.map(({ text }) => cutLine(text))].join('\n');
      },
    };
  };

const isPath = (text: string): boolean =>
  /^(?:\/|\.{0,2}\/|[A-Za-z]:[\\/])?[\w@.+\-/\\ ]{1,400}\.\w{1,8}$/.test(text.trim());
const isTotal = /\b(?:Found|problems?|errors?|fixable)\b.*\d|\d+ (?:errors?|problems?|warnings?)\b/i;

/** A message in at most so many bytes, cut between characters. */
function cutMessage(message: string): string {
  if (Buffer.byteLength(message) <= messageBytesMax) return message;
  let [text, bytes] = ['', 0];
  for (const character of message) {
    bytes += Buffer.byteLength(character);
    if (bytes > messageBytesMax) break;
    text += character;
  }
  return `${text} …`;
}

const diagnosticOf = (file: string, place: string, rest: Partial<Diagnostic> & { message: string }): Diagnostic => ({
  file: file.trim(),
  place,
  severity: rest.severity ?? 'error',
  code: rest.code || '-',
  message: rest.message.trim(),
});

const tsc = /^([^\s(][^(]{0,400})\((\d+),(\d+)\): (error|warning|info) (TS\d+): (.*)$/;
const tscPretty = /^([^\s:][^:]{0,400}):(\d+):(\d+) - (error|warning) (TS\d+): (.*)$/;
const stylish = /^\s+(\d+):(\d+)\s+(error|warning)\s+(.*)$/;
const biome = /^(\S[^:]{0,400}):(\d+):(\d+) ([\w-]+\/[\w/-]+)\b(.*)$/;
const prettier = /^\[(warn|error)\] (.*)$/;

const readJs: ReadDiagnostic = (text, file) => {
  const typed = tsc.exec(text) ?? tscPretty.exec(text);
  if (typed) {
    const [, path = '', row, column, severity = '', code = '', message = ''] = typed;
    return diagnosticOf(path, `${row}:${column}`, { severity, code, message });
  }
  const [, row, column, severity, rest] = stylish.exec(text) ?? [];
  if (severity !== undefined && rest !== undefined) {
    const at = rest.trimEnd().lastIndexOf('  ');
    const [message, code] = at < 0 ? [rest, '-'] : [rest.slice(0, at), rest.slice(at).trim()];
    return diagnosticOf(file, `${row}:${column}`, { severity, code, message });
  }
  const found = biome.exec(text);
  if (found)
    return diagnosticOf(found[1] ?? '', `${found[2]}:${found[3]}`, {
      code: found[4] ?? '',
      message: (found[5] ?? '').replace(/FIXABLE|[━─]+/g, '').trim() || (found[4] ?? ''),
    });
  const [, level, path = ''] = prettier.exec(text) ?? [];
  if (level === undefined || /^(?:Code style|Run Prettier)/.test(path)) return undefined;
  const [, wrong, message] = /^(\S+\.\w{1,8}): (.*)$/.exec(path) ?? [];
  if (level === 'error' && wrong !== undefined)
    return diagnosticOf(wrong, '-', { code: 'prettier', message: message ?? '' });
  return level === 'warn'
    ? diagnosticOf(path, '-', { severity: 'warning', code: 'prettier', message: 'not formatted' })
    : undefined;
};

/** ESLint's JSON, and whatever has its form: files with messages. */
function reportedJs(value: unknown): Diagnostic[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap((file) =>
    (Array.isArray(file.messages) ? file.messages : []).filter(isObject).map((found) =>
      diagnosticOf(String(file.filePath ?? ''), `${found.line ?? 0}:${found.column ?? 0}`, {
        severity: found.severity === 1 ? 'warning' : 'error',
        code: String(found.ruleId ?? '-'),
        message: String(found.message ?? ''),
      }),
    ),
  );
}

export const jsDiagnostics = createGrouping({ read: readJs, report: reportedJs });

const mypy = /^([^\s:][^:]{0,400}):(\d+):(?:(\d+):)? (error|warning|note): (.*)$/;
const ruff = /^([^\s:][^:]{0,400}):(\d+):(\d+): ([A-Z]+\d+|SyntaxError|E999):? (.*)$/;
const ruffFull = /^([A-Z]{1,4}\d{2,4}|invalid-syntax):? (.*)$/;
const arrow = /^\s*--> ([^:]{1,400}):(\d+):(\d+)\s*$/;

/** Ruff's longer form: a code and a message, and in the next line where. */
function createPythonReader(): ReadDiagnostic {
  return (text) => {
    const [, path = '', row, column, severity = '', message = ''] = mypy.exec(text) ?? [];
    if (path !== '') {
      const [, said = message, code = '-'] = /^(.*\S)\s+\[([\w-]+)\]$/.exec(message) ?? [];
      return diagnosticOf(path, column === undefined ? `${row}` : `${row}:${column}`, {
        severity,
        code,
        message: said,
      });
    }
    const [, file = '', line, at, code = '', rest = ''] = ruff.exec(text) ?? [];
    return file === '' ? undefined : diagnosticOf(file, `${line}:${at}`, { code, message: rest });
  };
}

const pythonLines = createGrouping({ read: createPythonReader() });

/** Joins ruff's two lines into one of its short form. */
export const pythonDiagnostics: CreateFilter = (drop) => {
  const grouping = pythonLines(drop);
  let before: OutputLine | undefined;
  const give = (): void => {
    if (before !== undefined) grouping.take(before);
    before = undefined;
  };
  return {
    take(line) {
      const [, file, row, column] = before === undefined ? [] : (arrow.exec(line.text) ?? []);
      if (file !== undefined && before !== undefined) {
        const [, code, message] = ruffFull.exec(before.text) ?? [];
        grouping.take({
          from: before.from,
          to: line.to,
          text: `${file}:${row}:${column}: ${code === 'invalid-syntax' ? 'E999' : code} ${message}`,
        });
        before = undefined;
        return;
      }
      give();
      if (ruffFull.test(line.text)) before = line;
      else grouping.take(line);
    },
    end() {
      give();
      return grouping.end();
    },
  };
};

const go = /^(?:vet: )?([^\s:][^:]{0,400}\.go):(\d+)(?::(\d+))?: (.*)$/;

export const goDiagnostics = createGrouping({
  read(text) {
    const [, file = '', row, column, message = ''] = go.exec(text) ?? [];
    if (file === '') return undefined;
    const [, said = message, linter = '-'] = /^(.*\S)\s+\(([\w-]+)\)$/.exec(message) ?? [];
    return diagnosticOf(file, column === undefined ? `${row}` : `${row}:${column}`, { code: linter, message: said });
  },
});
