/** Failures of any tool, and of test runs: the lines that say what went wrong, with what belongs to them. */
import { type ErrorRule, isErrorLine } from '../line/error-line.ts';
import type { OutputLine } from '../line/line.ts';
import { type CreateFilter, createPicked } from './filter.ts';

const rule: ErrorRule = 'message';

/** Lines behind an error that tell where it was: frames, arrows, carets, what a compiler points at. */
const belongs = /^(?:\s{1,80}(?:at |File "|-->|\||\^|~)|\s*\d{1,6} {0,6}\|)/;
const traceback = /^\s*(?:Traceback \(most recent call last\)|Exception in thread|goroutine \d+)/;
const frame = /^\s+\S/;

/** How many such lines are shown behind one error, and behind the head of a traceback. */
const belongingMax = 3;
const framesMax = 24;

/** Shows error lines and a few lines that belong to each. */
export const failures: CreateFilter = (drop) => {
  const picked = createPicked(drop, 60, 20);
  let left = 0;
  let isTraceback = false;
  let isMessage = false;
  return {
    take(line) {
      if (isErrorLine(line.text, rule)) {
        picked.add(line);
        isTraceback = traceback.test(line.text);
        left = isTraceback ? framesMax : belongingMax;
        isMessage = line.text.includes(' panicked at ');
        return;
      }
      const follows = isMessage || (left > 0 && (isTraceback ? frame : belongs).test(line.text));
      isMessage = false;
      left = follows ? left - 1 : 0;
      if (follows) picked.add(line);
      else drop(line);
    },
    end: () => picked.lines().join('\n'),
  };
};

const summary =
  /^\s*(?:test result:|=+ .*(?:passed|failed|error|skipped)|#\s(?:tests|suites|pass|fail|cancelled|skipped|todo|duration)|ℹ\s|Tests?:|Test Files|Tests? run:|Ran \d+|FAILED|OK\b|FAIL\b|ok\b|\d+ (?:passed|failed|tests?))|\b\d+ (?:passed|failed|skipped|ignored|passing|failing|pending)\b|%\) tests passed/i;
const failureWord = /\b(?:fail(?:ed|ure|ures)?|panicked|panic|error|errors|exception|traceback|not ok)\b|✗|✖|✕|×/i;
const passingLine =
  /(?:\.\.\. ok|\bPASSED\b|\bok|\[ *OK \]|Passed)(?: .*)?$|^\s*(?:✓|✔|√|ok \d|--- PASS|\[ RUN|\[ +OK|running \d+ tests)/;
const noise =
  /^\s+at \/rustc\/|^\s+\d+: (?:core|std|__rustc|<fn)|^\s*(?:Compiling|Downloaded|Downloading|Checking|Fresh|Finished|Running|Doc-tests|Updating|Locking|Building|Installing|Collecting)\s/;

/** Summary lines, lines of tests that did not pass, and what follows the first failure. */
export const testFailures: CreateFilter = (drop) => {
  const picked = createPicked(drop, 56, 24);
  let hasFailed = false;
  const isShown = ({ text }: OutputLine): boolean => {
    if (summary.test(text)) return true;
    if (text.trim() === '' || passingLine.test(text) || noise.test(text)) return false;
    if (failureWord.test(text)) {
      hasFailed ||= isErrorLine(text, rule);
      return true;
    }
    return hasFailed || /\btest/i.test(text);
  };
  return {
    take(line) {
      if (isShown(line)) picked.add(line);
      else drop(line);
    },
    end: () => picked.lines().join('\n'),
  };
};
