/** `git log`: commits with the beginnings of their messages. */
import { cutLine } from '../line/line.ts';
import type { CreateFilter } from './filter.ts';

const commitsMax = 30;
const bodyLinesMax = 3;

const full = /^commit ([0-9a-f]{7,64})\b(.*)$/;
const oneLine = /^[*|/\\ ]*([0-9a-f]{7,40}) (\S.*)$/;
const heading = /^(?:Author|Date|Merge|AuthorDate|Commit|CommitDate):\s/;
const stat = /(?<!\d)(\d{1,9}) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?/;

interface Seen {
  commits: number;
  body: number;
  stats: number;
  files: number;
  added: number;
  removed: number;
}

export const gitLog: CreateFilter = (drop) => {
  const shown: string[] = [];
  const seen: Seen = { commits: 0, body: 0, stats: 0, files: 0, added: 0, removed: 0 };
  return {
    take(line) {
      const text = textOf(line.text, seen);
      const hasRoom = seen.commits <= commitsMax && seen.commits > 0;
      if (text === undefined || !hasRoom) drop(line);
      else shown.push(cutLine(text));
    },
    end() {
      if (seen.commits === 0) return '';
      const omitted = seen.commits - commitsMax;
      const total = `total: ${seen.files} files, +${seen.added} -${seen.removed}`;
      return [
        ...shown,
        ...(omitted > 0 ? [`... +${omitted} commits omitted`] : []),
        ...(seen.stats > 0 ? [total] : []),
      ].join('\n');
    },
  };
};

/** What a line of a log becomes; undefined for one that is not shown. */
function textOf(text: string, seen: Seen): string | undefined {
  const commit = full.exec(text) ?? oneLine.exec(text);
  if (commit && !text.startsWith('    ')) {
    seen.commits++;
    seen.body = 0;
    const [, id = '', rest = ''] = commit;
    return `${id.slice(0, 10)} ${rest.trim()}`.trim();
  }
  const [, files, added = '0', removed = '0'] = stat.exec(text) ?? [];
  if (files !== undefined) {
    seen.stats++;
    seen.files += Number(files);
    seen.added += Number(added);
    seen.removed += Number(removed);
    return `  ${files} files, +${added} -${removed}`;
  }
  if (heading.test(text)) return undefined;
  if (!text.startsWith('    ') || text.trim() === '' || seen.body >= bodyLinesMax) return undefined;
  seen.body++;
  return `  ${text.trim()}`;
}
