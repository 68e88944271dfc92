/** Files as they are: their beginning and end, and what a piece of code defines. */
import { cutLine } from '../line/line.ts';
import { type CreateFilter, createBounded } from './filter.ts';

const bounds = { first: 8, last: 8, bytes: 1_600 };
const definitionsMax = 20;

const definition =
  /^\s{0,8}(?:export\s|pub\s|public\s|private\s|protected\s|static\s|async\s|default\s|abstract\s)*(?:function|class|interface|enum|struct|trait|impl|fn|def|func|type|module|namespace)\s[\w<(*]/;

export const fileText: CreateFilter = (drop) => {
  const ends = createBounded(bounds)(drop);
  const definitions: string[] = [];
  let count = 0;
  let bytes = 0;
  return {
    take(line) {
      ends.take(line);
      count++;
      bytes += line.to - line.from;
      if (definitions.length < definitionsMax && definition.test(line.text))
        definitions.push(cutLine(line.text.trim(), 160));
    },
    end() {
      const text = ends.end();
      const isWhole = count <= bounds.first + bounds.last && bytes <= bounds.bytes;
      return isWhole || definitions.length < 2 ? text : ['code shape:', ...definitions, text].join('\n');
    },
  };
};
