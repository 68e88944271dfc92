/** What a view leaves out: counted exactly, and its error lines kept. */
import { type ErrorRule, errorPlace, isErrorLine } from './line/error-line.ts';
import { cutLine, type OutputLine } from './line/line.ts';

/** Error lines that a view carries beside what its filter shows. */
const errorsFirst = 60;
const errorsLast = 20;

export interface LeftOut {
  readonly lines: number;
  /** Error lines whose text stands nowhere in the view. */
  readonly errors: number;
  /** From the first line that is left out to the end of the last one, in bytes of the log. */
  readonly range: readonly [number, number] | undefined;
}

export interface Leftovers {
  readonly drop: (line: OutputLine) => void;
  /** The error lines among what was dropped, each text once, in their order. */
  errors(): string[];
  leftOut(): LeftOut;
}

export function createLeftovers(isError: (line: OutputLine) => boolean): Leftovers {
  const first = new Map<string, number>();
  const last = new Map<string, number>();
  let lines = 0;
  let errorsGone = 0;
  let from = -1;
  let to = 0;

  const keep = (text: string): void => {
    const known = first.get(text);
    if (known !== undefined) {
      first.set(text, known + 1);
      return;
    }
    if (first.size < errorsFirst) {
      first.set(text, 1);
      return;
    }
    const before = last.get(text) ?? 0;
    last.delete(text);
    last.set(text, before + 1);
    if (last.size <= errorsLast) return;
    const [oldest, count] = last.entries().next().value as [string, number];
    last.delete(oldest);
    errorsGone += count;
  };

  return {
    drop(line) {
      if (from < 0 || line.from < from) from = line.from;
      if (line.to > to) to = line.to;
      lines++;
      if (isError(line)) keep(line.text);
    },
    errors() {
      const shown = [...first.keys(), ...last.keys()].map((text) => cutLine(text, undefined, errorPlace(text)));
      if (errorsGone > 0) shown.splice(first.size, 0, `... ${errorsGone} error lines left out ...`);
      return shown;
    },
    leftOut: () => ({
      lines: lines - sum(first.values()) - sum(last.values()),
      errors: errorsGone,
      range: from < 0 ? undefined : [from, to],
    }),
  };
}

const sum = (counts: Iterable<number>): number => {
  let total = 0;
  for (const count of counts) total += count;
  return total;
};

/** The rule, asked once for each line however many filters see it. */
export function createErrorLook(rule: ErrorRule): (line: OutputLine) => boolean {
  let asked: OutputLine | undefined;
  let answer = false;
  return (line) => {
    if (asked === line) return answer;
    asked = line;
    answer = isErrorLine(line.text, rule);
    return answer;
  };
}
