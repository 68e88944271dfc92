/** Test runs of JavaScript, Python and Go: the counts, and what failed. */
import { isErrorLine } from '../line/error-line.ts';
import { cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createPicked } from './filter.ts';
import { createDocument, isObject, parseJson } from './json-shape.ts';

interface TestFacts {
  /** A line that tells how many. */
  readonly summary: RegExp;
  /** The first line of what failed. */
  readonly failure: RegExp;
  /** A test that passed, and what says nothing. */
  readonly passing: RegExp;
  /** Where the part about failures ends. */
  readonly ends?: RegExp;
}

/** Summary lines, and failure sections from their first line on. */
const createTestSummary =
  (facts: TestFacts): CreateFilter =>
  (drop) => {
    const summaries = createPicked(drop, 4, 16);
    const failures = createPicked(drop, 60, 20);
    const document = createDocument(drop);
    let isDocument: boolean | undefined;
    let isFailing = false;
    const look = (line: OutputLine): void => {
      const { text } = line;
      const isSummary = facts.summary.test(text);
      const isNothing = facts.passing.test(text) || text.trim() === '';
      if (facts.failure.test(text)) isFailing = true;
      else if (facts.ends?.test(text)) isFailing = false;
      if (isSummary) summaries.add(line);
      else if (!isNothing && (isFailing || isErrorLine(text, 'message'))) failures.add(line);
      else drop(line);
    };
    return {
      take(line) {
        if (isDocument === undefined && line.text.trim() !== '') isDocument = /^\s*\{/.test(line.text);
        if (isDocument) document.take(line);
        else look(line);
      },
      end() {
        const counts = isDocument ? countsIn(document.parse()?.value) : [];
        if (counts.length > 0) return counts.join('\n');
        for (const line of document.lines) look(line);
        return [...failures.lines(), ...summaries.lines()].join('\n');
      },
    };
  };

/** Counts and failure messages of a report of Jest or Vitest, or of pytest's. */
function countsIn(value: unknown): string[] {
  if (!isObject(value)) return [];
  const counts = isObject(value.summary) ? value.summary : value;
  const numbers = Object.entries(counts).filter(
    ([key, count]) => typeof count === 'number' && /^num|passed|failed|skipped|total|error/i.test(key),
  );
  if (numbers.length === 0) return [];
  const suites = [value.testResults, value.tests].find(Array.isArray) ?? [];
  const failed = suites.filter(isObject).flatMap((suite) => {
    const tests = Array.isArray(suite.assertionResults) ? suite.assertionResults.filter(isObject) : [suite];
    return tests
      .filter((test) => /^(?:failed|error)$/.test(String(test.status ?? test.outcome)))
      .map(
        (test) => `failed: ${cutLine(String(test.fullName ?? test.name ?? test.nodeid ?? ''))}\n  ${messageOf(test)}`,
      );
  });
  return [numbers.map(([key, count]) => `${key}=${count}`).join(' '), ...failed.slice(0, 80)];
}

function messageOf(test: Readonly<Record<string, unknown>>): string {
  const [first] = Array.isArray(test.failureMessages) ? test.failureMessages : [];
  const call = isObject(test.call) && isObject(test.call.crash) ? test.call.crash.message : undefined;
  return cutLine(String(first ?? call ?? test.message ?? '').split('\n')[0] ?? '');
}

export const jsTests = createTestSummary({
  summary:
    /^\s*(?:Tests?:|Test Suites:|Test Files|Tests {2}|Snapshots:|Duration|Time:|Start at|[ℹ#]\s(?:tests|suites|pass|fail|cancelled|skipped|todo|duration_ms)|\d+ (?:passing|failing|pending))\b/,
  failure: /^\s*(?:FAIL\b|[✗✖✕×]|●|not ok|⎯+ Failed|\d+\) |AssertionError|\w*Error:)|⎯ Failed /,
  passing:
    /^\s*(?:[✓✔√]|PASS\b|ok \d|▶|RUN\b|at (?:async )?(?:node:|.*node_modules)|---$|\.\.\.$|duration_ms|type: 'test')/,
});

export const pythonTests = createTestSummary({
  summary:
    /^(?:=+ .*\b(?:passed|failed|errors?|skipped|no tests ran)\b.* =+|Ran \d+ tests?|OK\b|FAILED \(|\d+ (?:passed|failed))/,
  failure: /^(?:=+ (?:FAILURES|ERRORS) =+|_+ .* _+|(?:FAILED|ERROR) \S|(?:FAIL|ERROR): |E {3}|Traceback )/,
  passing: /^\S+\.py [.sxX]+\s+\[ *\d+%\]$|\bPASSED\b|\.\.\. ok$|^(?:platform|rootdir|plugins|collecting|cachedir)/,
  ends: /^=+ (?:warnings summary|slowest|PASSES) /,
});

/** Packages that are well or not, and what failed in those that are not. Events of `go test -json` are read as what they print. */
export const goTests: CreateFilter = (drop) => {
  const failures = createPicked(drop, 60, 20);
  const counts = { ok: 0, failed: 0, untested: 0 };
  const look = (line: OutputLine): void => {
    const { text } = line;
    if (/^ok\s/.test(text)) counts.ok++;
    else if (/^\?\s.*no test files/.test(text)) counts.untested++;
    else if (/^FAIL\s+\S/.test(text)) {
      counts.failed++;
      failures.add(line);
    } else if (/^\s*(?:=== (?:RUN|PAUSE|CONT|NAME)|--- PASS|(?:PASS|FAIL)?$)/.test(text)) drop(line);
    else failures.add(line);
  };
  return {
    take(line) {
      const event = line.text.startsWith('{"') ? parseJson(line.text)?.value : undefined;
      if (!isObject(event) || typeof event.Action !== 'string') return look(line);
      if (event.Action === 'output') look({ ...line, text: String(event.Output ?? '').replace(/\n$/, '') });
      else if (event.Action === 'build-output') failures.add({ ...line, text: String(event.Output ?? '').trimEnd() });
    },
    end() {
      const { ok, failed, untested } = counts;
      if (ok + failed + failures.count === 0) return '';
      const head = `packages ok=${ok} failed=${failed}${untested > 0 ? ` without tests=${untested}` : ''}`;
      return [head, ...failures.lines()].join('\n');
    },
  };
};
