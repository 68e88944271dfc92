/** `rg` and `grep`: matches by file. */
import { cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createTally } from './filter.ts';

const filesMax = 40;
const samplesMax = 3;
const sampleCharsMax = 200;

interface Matches {
  count: number;
  readonly samples: string[];
}

export const search: CreateFilter = (drop) => {
  const files = createTally<Matches>(filesMax, () => ({ count: 0, samples: [] }));
  let heading: string | undefined;
  let plain = 0;
  const add = (file: string, sample: string, line: OutputLine): void => {
    const matches = files.of(file);
    if (matches === undefined) {
      drop(line);
      return;
    }
    matches.count++;
    if (matches.samples.length < samplesMax) matches.samples.push(`  ${cutLine(sample, sampleCharsMax)}`);
    else drop(line);
  };
  return {
    take(line) {
      const { text } = line;
      const [, file, number, rest = ''] = /^([^:]{1,400}):(?:(\d+):)?(.*)$/.exec(text) ?? [];
      const isFile = file !== undefined && !/^\d+$/.test(file);
      if (/^(?:rg|grep|egrep|ugrep): /.test(text)) drop(line);
      else if (isFile) add(file, number === undefined ? rest.trim() : `${number}: ${rest.trim()}`, line);
      else if (file !== undefined && heading !== undefined)
        add(heading, `${file}: ${text.slice(file.length + 1).trim()}`, line);
      else {
        if (text.trim() !== '' && text.trim() !== '--') plain++;
        if (/^\S{1,400}$/.test(text)) heading = text;
        drop(line);
      }
    },
    end() {
      if (files.entries.size === 0 || plain > files.entries.size * 2) return '';
      const shown = [...files.entries].flatMap(([file, { count, samples }]) => [
        `${cutLine(file)}: ${count} ${count === 1 ? 'match' : 'matches'}`,
        ...samples,
      ]);
      return [...shown, ...(files.others > 0 ? [`... ${files.others} matches in more files`] : [])].join('\n');
    },
  };
};
