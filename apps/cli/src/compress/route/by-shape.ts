/** Which kind of output a text is, by its looks (contract, section 7.7, step 2): the first that fits. */
import { withoutControls } from '../line/line.ts';
import { withoutTimes } from '../line/times.ts';
import type { Kind } from './kinds.ts';

/** So many characters of a stream are looked at. */
export const shapeCharsMax = 64 * 1024;

export function kindByShape(stdout: string, stderr: string): Kind {
  const texts = [stdout, stderr].map((text) => withoutControls(text.slice(0, shapeCharsMax)));
  if (texts.some((text) => /^\s*[{[]/.test(text) && !logHead.test(text))) return 'json-structure';
  const lines = texts.map((text) => text.split('\n'));
  if (lines.some(repeats)) return 'logs';
  const all = texts.join('\n').toLowerCase();
  if (all.includes('test') && (all.includes('failed') || all.includes('passed'))) return 'tests';
  if (lines.some((part) => part.some(isTableLine))) return 'psql-table';
  if (/error|panic|traceback/.test(all)) return 'errors';
  return 'summary';
}

/** `[4711] 2026/05/01 …` and `[INFO] …` begin like JSON and are none. */
const logHead = /^\s*\[[\w .:/-]{1,80}\] *[^\s,\]]/;

/** Two neighbours are the same, or the same but for their times. */
function repeats(lines: readonly string[]): boolean {
  let before = '';
  let beforeTimeless = '';
  for (const line of lines) {
    const timeless = withoutTimes(line);
    if (line.trim() !== '' && (line === before || (timeless !== line && timeless === beforeTimeless))) return true;
    before = line;
    beforeTimeless = timeless;
  }
  return false;
}

/** A rule between a header and its rows; the bars that compilers draw beside code are none. */
const isTableLine = (line: string): boolean =>
  /-{3,}[+|]-{3,}/.test(line) || /^\|(?: ?:?-{3,}:? ?\|)+\s*$/.test(line) || /^\(\d+ rows?\)\s*$/.test(line);
