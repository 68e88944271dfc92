/**
 * The commands of a page, in the order in which a reader types them. A `sh` block is one step. In a `console` block each line behind
 * `$ ` is one, with the lines behind `> ` that belong to it, and what stands below it is what it prints.
 *
 * What a reader has at hand and the page does not type stands in comments, which nobody sees who reads it:
 * `<!-- run` and shell lines, `-->`; `<!-- for EXEC_ID read $order -->`, from there on, for words that stand for something; and
 * `<!-- file NAME -->` right above a block, for what is saved under that name.
 */
export interface Step {
  /** Line of the page, from 1 on. */
  readonly line: number;
  readonly script: string;
  /** What the page says that it prints; without it nothing is looked at. */
  readonly shown?: string;
}

const parts =
  /^<!-- file (?<file>\S+) -->\n```\w+\n(?<content>[\s\S]*?)^```$|^```(?<kind>sh|console)\n(?<block>[\s\S]*?)^```$|^<!-- run\n(?<run>[\s\S]*?)^-->$|^<!-- for (?<what>.+) read (?<by>.+) -->$/gm;

export function readPage(page: string): Step[] {
  const words: [what: string, by: string][] = [];
  const inWords = (text: string): string => words.reduce((read, [what, by]) => read.replaceAll(what, by), text);
  return [...page.matchAll(parts)].flatMap(({ index, groups = {} }) => {
    const { kind, block = '', run, what, by, file, content } = groups;
    const line = page.slice(0, index).split('\n').length;
    if (what !== undefined && by !== undefined) words.unshift([what, by]);
    if (file !== undefined) return [{ line, script: `cat > ${file} <<'END_OF_FILE'\n${content}END_OF_FILE\n` }];
    if (run !== undefined) return [{ line, script: run }];
    if (kind === 'sh') return [{ line, script: inWords(block) }];
    return kind === 'console' ? dialogue(block, line).map((step) => ({ ...step, script: inWords(step.script) })) : [];
  });
}

function dialogue(block: string, line: number): Step[] {
  const steps: { line: number; script: string; shown: string }[] = [];
  for (const [at, text] of block.split('\n').entries()) {
    const last = steps.at(-1);
    if (text.startsWith('$ ')) steps.push({ line: line + at + 1, script: `${text.slice(2)}\n`, shown: '' });
    else if (last?.shown === '' && text.startsWith('> ')) last.script += `${text.slice(2)}\n`;
    else if (last) last.shown += `${text}\n`;
  }
  return steps;
}

/** What is another one with each run: ids, times, versions, addresses, how long and how much. */
const another = [
  [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}'],
  [
    /\d{4}-\d\d-\d\d[T ]\d\d[:-]\d\d([:-]\d\d)?(\.\d+)?Z?/,
    '\\d{4}-\\d\\d-\\d\\d[T ]\\d\\d[:-]\\d\\d([:-]\\d\\d)?(\\.\\d+)?Z?',
  ],
  [/\b[0-9a-f]{16,64}\b/, '[0-9a-f]{16,64}'],
  [/\b[0-9a-f]*\d[0-9a-f]*(?=[a-f\d]*\b)(?<=\b[0-9a-f]{7})/, '[0-9a-f]{7}'],
  [/\bk1\.[\w.-]+/, 'k1\\.[\\w.-]+'],
  [/127\.0\.0\.1:\d+/, '127\\.0\\.0\\.1:\\d+'],
  [/\d+\.\d+\.\d+/, '\\d+\\.\\d+\\.\\d+'],
  // A minute has another form: 1 min 3 s.
  [/\d+(\.\d+)? (ms|s|min|h|B|KiB|MiB|GiB|%)(?!\w)/, '\\d+(\\.\\d+)? (ms|s|min|h|B|KiB|MiB|GiB|%)( \\d+ (s|min))?'],
  [/ {2,}/, ' {2,}'],
  [/…/, '.*'],
] as const;

const anotherOne = new RegExp(
  another.map(([shown]) => `(${shown.source.replaceAll(/(?<!\\)\((?!\?)/g, '(?:')})`).join('|'),
  'g',
);

/** One line of a page as an expression for what a program prints. */
function asExpression(line: string): string {
  let made = '';
  let at = 0;
  for (const match of line.matchAll(anotherOne)) {
    const which = match.slice(1).findIndex((group) => group !== undefined);
    made += escaped(line.slice(at, match.index)) + (another[which]?.[1] ?? '');
    at = match.index + match[0].length;
  }
  return made + escaped(line.slice(at));
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** Whether what was printed has the shape of what is shown: `…` stands for anything in its line, alone in a line for any lines. */
export function hasShape(shown: string, printed: string): boolean {
  const lines = shown.trimEnd().split('\n');
  const expression = lines
    .map((line) => (line.trim() === '…' ? '(.*\\n)*?' : `${asExpression(line.trimEnd())} *\\n`))
    .join('');
  return new RegExp(`^${expression}$`).test(`${printed.trimEnd()}\n`);
}
