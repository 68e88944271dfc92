/** `ls`, `find` and `tree`: names by directory. */
import { cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createTally } from './filter.ts';

const directoriesMax = 40;
const namesMax = 8;

interface Names {
  count: number;
  readonly shown: string[];
}

export const listing: CreateFilter = (drop) => {
  const directories = createTally<Names>(directoriesMax, () => ({ count: 0, shown: [] }));
  const path: string[] = [];
  let current = '.';
  const add = (directory: string, name: string, line: OutputLine): void => {
    const names = directories.of(directory);
    if (names === undefined) {
      drop(line);
      return;
    }
    names.count++;
    if (names.shown.length < namesMax) names.shown.push(cutLine(name, 120));
    else drop(line);
  };
  return {
    take(line) {
      const { text } = line;
      if (text.trim() === '' || /^total \d/.test(text) || complains.test(text)) return drop(line);
      const branch = /^([│|\s\u00a0]*)(?:├──|└──|\|--|`--)[\s\u00a0](.*)$/.exec(text);
      const listed =
        /^[-bcdlps][-rwxsStT]{9}[.+@]?\s{1,20}\d{1,20}\s{1,20}.{0,200}?\s(?:\d{2}:\d{2}|\d{4})\s(.*)$/.exec(text);
      if (branch) {
        const depth = Math.floor((branch[1] ?? '').length / 4);
        path.length = Math.min(path.length, depth);
        add(path.length === 0 ? current : path.join('/'), branch[2] ?? '', line);
        path[depth] = branch[2] ?? '';
      } else if (/^\S.*:$/.test(text)) {
        current = text.slice(0, -1);
        drop(line);
      } else if (listed) add(current, listed[1] ?? '', line);
      else {
        const slash = text.lastIndexOf('/', text.length - 2);
        if (slash < 0) add(current, text, line);
        else add(text.slice(0, slash) || '/', text.slice(slash + 1), line);
      }
    },
    end() {
      const lines = [...directories.entries].map(([directory, { count, shown }]) => {
        const omitted = count - shown.length;
        return `${cutLine(directory)}: ${shown.join(', ')}${omitted > 0 ? ` ... (${omitted} omitted)` : ''}`;
      });
      return [
        ...lines,
        ...(directories.others > 0 ? [`... ${directories.others} names in more directories`] : []),
      ].join('\n');
    },
  };
};

const complains = /^(?:ls|find|tree|fd): /;
