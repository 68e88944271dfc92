/* Finding jobs by what people type: in any script, case and width, with small mistakes. */
import type { UserInvokableJob } from '@kanade/shared/local';

/** The jobs that have something of every word, the best first; jobs that are equally good stay in the order they came in. */
export function searchJobs(jobs: readonly UserInvokableJob[], query: string): readonly UserInvokableJob[] {
  const words = foldText(query)
    .split(' ')
    .filter((word) => word !== '');
  if (words.length === 0) return [];
  const scored = jobs.map((job) => ({ job, score: scoreOf(job, words) }));
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ job }) => job);
}

/** One form for what people see as the same: width, case, accents, and katakana as hiragana. */
export function foldText(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\u30a1-\u30f6]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0x60))
    .replace(/[\s\-_./]+/g, ' ')
    .trim();
}

/** The sum over the words; 0 when one of them is nowhere. */
function scoreOf(job: UserInvokableJob, words: readonly string[]): number {
  const fields: readonly (readonly [string, number])[] = [
    [foldText(job.display_name), 8],
    [foldText(`${job.category_label ?? ''} ${job.category} ${job.id}`), 3],
    [foldText(job.display_description ?? ''), 2],
  ];
  let sum = 0;
  for (const word of words) {
    const best = Math.max(...fields.map(([field, weight]) => weight * fitness(field, word)));
    if (best === 0) return 0;
    sum += best;
  }
  return sum;
}

/** How well a word fits a text: its beginning, the beginning of a word, anywhere, a word with one mistake, not at all. */
function fitness(field: string, word: string): number {
  if (field.startsWith(word)) return 8;
  if (field.includes(` ${word}`)) return 6;
  if (field.includes(word)) return 4;
  if (word.length < mistakeFromChars) return 0;
  return field.split(' ').some((part) => isNear(part.slice(0, word.length + 1), word)) ? 1 : 0;
}

/** Words shorter than this must be right: with one mistake they would be any word. */
const mistakeFromChars = 4;

/** True when the text begins with the word but for one character that is wrong, missing, added, or changed places with the next. */
function isNear(text: string, word: string): boolean {
  let at = 0;
  while (at < word.length && text[at] === word[at]) at += 1;
  const rest = (from: number): string => word.slice(from);
  const tail = (from: number): string => text.slice(from);
  return (
    tail(at + 1).startsWith(rest(at + 1)) ||
    tail(at).startsWith(rest(at + 1)) ||
    tail(at + 1).startsWith(rest(at)) ||
    (text[at] === word[at + 1] && text[at + 1] === word[at] && tail(at + 2).startsWith(rest(at + 2)))
  );
}
