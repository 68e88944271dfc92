/** Shell text → the commands in it, as far as a route needs them. It runs nothing and expands nothing. */

/** Words of each command of a script in order; a pipeline is one command: the part whose output is seen. */
export function commandsOf(script: string): string[][] {
  const commands: string[][] = [];
  let pipeline: string[][] = [];
  let words: string[] = [];
  const endWords = (): void => {
    if (words.length > 0) pipeline.push(words);
    words = [];
  };
  const endPipeline = (): void => {
    endWords();
    const seen = seenOf(pipeline);
    if (seen) commands.push(seen);
    pipeline = [];
  };
  for (const token of tokensOf(script)) {
    if (token === '|' || token === '|&') endWords();
    else if (separators.has(token)) endPipeline();
    else words.push(unquoted(token));
  }
  endPipeline();
  return commands;
}

const separators = new Set([';', '&', '&&', '||', '\n', '(', ')', '{', '}']);
const token =
  /\n|\|\||&&|\|&|[;|(){}]|&(?!\d|>)|(?:[^\s;|&(){}"'\\]|&(?=\d|>)|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+|["'\\]/g;

const tokensOf = (script: string): string[] =>
  (script.slice(0, scriptCharsMax).match(token) ?? []).filter((word) => !/^\d?(?:>|<|>>|&>)/.test(word));

/** A script is looked at for so many characters. */
const scriptCharsMax = 4_096;

const unquoted = (word: string): string => word.replace(/^["']|["']$/g, '');

/** Programs that hand on what they read: the command before them is the one that is seen. */
const handOn = new Set(['tee', 'tail', 'head', 'cat', 'sort', 'uniq', 'sed', 'less', 'more', 'stdbuf']);

function seenOf(pipeline: readonly string[][]): string[] | undefined {
  for (const words of [...pipeline].reverse()) {
    if (pipeline.length === 1 || !handOn.has(programOf(words[0] ?? ''))) return words;
  }
  return pipeline[0];
}

/** The name of a program: behind the last slash, in small letters. */
export const programOf = (word: string): string => {
  const name = word.slice(word.lastIndexOf('/') + 1).toLowerCase();
  return name.endsWith('.exe') || name.endsWith('.cmd') ? name.slice(0, -4) : name;
};
