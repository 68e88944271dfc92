/** What git says in lines: status, push, pull, branch, stash. */
import { cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createPicked, createPicker, type Filter } from './filter.ts';
import { gitDiff } from './git-diff.ts';
import { gitLog } from './git-log.ts';

const statusNoise =
  /^\s*\(|^(?:Changes |Untracked files|Unmerged paths|Ignored files|On branch .*no changes)|^hint: |^\s*$/;

/** Without hints, advice in parentheses and section headings. */
export const gitStatus: CreateFilter = createPicker((text) => !statusNoise.test(text), 60, 20);

const failure =
  /^(?:remote: |hint: )?(?:error|fatal|CONFLICT|Automatic merge failed)|^\s?! \[|^CONFLICT|\b(?:error|fatal):/;
const upToDate = /up[ -]to[ -]date/;
const refLine = /^[\s*+\-t=]{0,4}(?:\[new (?:branch|tag)\]|[0-9a-f]{4,40}\.\.\.?[0-9a-f]{4,40})\s/;
const statLine = /(?<!\d)(\d{1,9}) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?/;

/** Errors where there are any, else one line: how it went. */
const transferred =
  (usesStat: boolean): CreateFilter =>
  (drop) => {
    const errors = createPicked(drop, 30, 10);
    const said: { upToDate?: string; ref?: string; stat?: string; last?: OutputLine } = {};
    return {
      take(line) {
        const { text } = line;
        if (failure.test(text)) {
          errors.add(line);
          return;
        }
        if (said.last) drop(said.last);
        if (text.trim() !== '') said.last = line;
        if (upToDate.test(text)) said.upToDate = 'ok (up-to-date)';
        else if (refLine.test(text)) said.ref ??= `ok ${cutLine(text.trim())}`;
        const [, files, added = '0', removed = '0'] = (usesStat && statLine.exec(text)) || [];
        if (files !== undefined) said.stat = `ok ${files} files +${added} -${removed}`;
      },
      end() {
        if (errors.count > 0) return errors.lines().join('\n');
        return said.stat ?? said.upToDate ?? said.ref ?? cutLine(said.last?.text ?? '');
      },
    };
  };

export const gitPush = transferred(false);
export const gitPull = transferred(true);

/** How many there are, and the one that is checked out. */
export const gitBranch: CreateFilter = (drop) => {
  let count = 0;
  let current = 'none';
  return {
    take(line) {
      if (!/^[*+ ]\s?\S/.test(line.text)) {
        drop(line);
        return;
      }
      count++;
      if (line.text.startsWith('*')) current = cutLine(line.text.slice(2).trim());
      else drop(line);
    },
    end: () => (count === 0 ? '' : `${count} branches; current ${current}`),
  };
};

/** How many there are, and the newest of them. */
export const gitStash: CreateFilter = (drop) => {
  const picked = createPicked(drop, 5, 0, '');
  return {
    take(line) {
      if (line.text.startsWith('stash@{')) picked.add(line);
      else drop(line);
    },
    end: () =>
      picked.count === 0 ? '' : [`${picked.count} stashes`, ...picked.lines().filter((line) => line !== '')].join('\n'),
  };
};

/** Whatever git printed: a diff, a log, or else the lines that are no advice. Told by its first line. */
export const gitMixed: CreateFilter = (drop) => {
  let chosen: Filter | undefined;
  return {
    take(line) {
      if (chosen === undefined && line.text.trim() === '') {
        drop(line);
        return;
      }
      chosen ??= (
        /^(?:diff --git|--- a\/|Index: )/.test(line.text) ? gitDiff : isLogHead(line.text) ? gitLog : gitStatus
      )(drop);
      chosen.take(line);
    },
    end: () => chosen?.end() ?? '',
  };
};

const isLogHead = (text: string): boolean => /^commit [0-9a-f]{7,64}\b|^[0-9a-f]{7,40} \S/.test(text);
