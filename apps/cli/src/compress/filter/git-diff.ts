/** `git diff` and `git show`: which files, which hunks, the first changes of each. */
import { cutLine } from '../line/line.ts';
import type { CreateFilter } from './filter.ts';

const changesMax = 6;
const contextMax = 3;
const shownLinesMax = 400;

export const gitDiff: CreateFilter = (drop) => {
  const diff = createDiff();
  return {
    take(line) {
      const shown = diff.lineOf(line.text);
      if (shown === undefined || !diff.show(shown)) drop(line);
    },
    end: diff.end,
  };
};

function createDiff() {
  const lines: string[] = [];
  let file: string | undefined;
  let [added, removed, changes, context, files, unshown] = [0, 0, 0, 0, 0, 0];
  let isInHunk = false;

  const show = (text: string): boolean => {
    if (lines.length >= shownLinesMax) {
      unshown++;
      return false;
    }
    lines.push(cutLine(text));
    return true;
  };
  const endFile = (): void => {
    if (file !== undefined) show(`  +${added} -${removed}`);
    [added, removed, isInHunk] = [0, 0, false];
  };
  const startFile = (name: string): string => {
    endFile();
    file = name;
    files++;
    return name;
  };
  const hunkLine = (text: string): string | undefined => {
    const isAdded = text.startsWith('+');
    if (isAdded) added++;
    else if (text.startsWith('-')) removed++;
    else return context++ < contextMax && changes < changesMax && text.trim() !== '' ? `    ${text}` : undefined;
    return changes++ < changesMax ? `    ${text}` : undefined;
  };
  return {
    show,
    lineOf(text: string): string | undefined {
      const name = /^diff --git a\/.* b\/(.*)$/.exec(text)?.[1] ?? /^diff --(?:cc|combined) (.*)$/.exec(text)?.[1];
      if (name !== undefined) return startFile(name);
      if (/^@@/.test(text) && file !== undefined) {
        [changes, context, isInHunk] = [0, 0, true];
        return `  ${text}`;
      }
      if (isInHunk && /^[-+ \\]/.test(text)) return hunkLine(text);
      if (file === undefined) return /^commit |^ {4}\S/.test(text) ? text.trim() : undefined;
      return /^(?:new file|deleted file|rename |Binary files|old mode|new mode|similarity)/.test(text)
        ? `  ${text}`
        : undefined;
    },
    end(): string {
      if (files === 0) return '';
      endFile();
      return [...lines, ...(unshown > 0 ? [`... ${unshown} more lines of ${files} files`] : [])].join('\n');
    },
  };
}
