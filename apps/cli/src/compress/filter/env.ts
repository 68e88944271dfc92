/** Environments: names by prefix; values that could be secrets never. */
import { cutLine, type OutputLine } from '../line/line.ts';
import { type CreateFilter, createTally } from './filter.ts';

const secret = /secret|token|password|passwd|api_?key|credential|private_?key|auth/i;
const secretsMax = 20;
const shownMax = 6;
const groupsMax = 30;
const valueCharsMax = 120;

interface Group {
  count: number;
  readonly shown: string[];
}

export const env: CreateFilter = (drop) => {
  const groups = createTally<Group>(groupsMax, () => ({ count: 0, shown: [] }));
  const secrets: string[] = [];
  let isSecret = false;
  let count = 0;
  const add = (name: string, value: string, line: OutputLine): void => {
    count++;
    isSecret = secret.test(name);
    if (isSecret) {
      if (secrets.length < secretsMax) secrets.push(`${cutLine(name, valueCharsMax)}=***`);
      return;
    }
    const group = groups.of(name.includes('_') ? name.slice(0, name.indexOf('_')) : name);
    if (group === undefined) {
      drop(line);
      return;
    }
    group.count++;
    if (group.shown.length < shownMax) group.shown.push(`${name}=${cutLine(value, valueCharsMax)}`);
    else drop(line);
  };
  return {
    take(line) {
      const [, name, value = ''] = /^([A-Za-z_][\w.]{0,200})=(.*)$/.exec(line.text) ?? [];
      if (name !== undefined) add(name, value, line);
      // A further line of a value: of a secret one it is told to nobody.
      else if (!isSecret) drop(line);
    },
    end() {
      if (count === 0) return '';
      const lines = [...groups.entries].map(([prefix, group]) => {
        const omitted = group.count - group.shown.length;
        return `${cutLine(prefix, valueCharsMax)}: ${group.shown.join(', ')}${omitted > 0 ? ` ... (${omitted} omitted)` : ''}`;
      });
      return [
        ...(secrets.length > 0 ? [`secrets: ${secrets.join(', ')}`] : []),
        ...lines,
        ...(groups.others > 0 ? [`... ${groups.others} in more groups`] : []),
      ].join('\n');
    },
  };
};
