/** Logs: what repeats but for its time is told once, with how often. */
import { cutLine, type OutputLine } from '../line/line.ts';
import { withoutTimes } from '../line/times.ts';
import { type CreateFilter, createPicked } from './filter.ts';

const isProgress = (text: string): boolean => /progress/i.test(text) && /%|\bdone\b/i.test(text);

/** Neighbours that are equal without their times are one line; of very many such, the first and the last are shown. */
export const logs: CreateFilter = (drop) => {
  const picked = createPicked(drop, 120, 60);
  let first: OutputLine | undefined;
  let timeless = '';
  let count = 0;
  const give = (): void => {
    if (first === undefined) return;
    picked.add(count === 1 ? first : { ...first, text: `${cutLine(first.text)} (repeated ${count}x)` });
  };
  return {
    take(line) {
      if (isProgress(line.text) || line.text.trim() === '') {
        drop(line);
        return;
      }
      const next = withoutTimes(line.text);
      if (first !== undefined && next === timeless) {
        count++;
        return;
      }
      give();
      first = line;
      timeless = next;
      count = 1;
    },
    end() {
      give();
      first = undefined;
      return picked.lines().join('\n');
    },
  };
};
