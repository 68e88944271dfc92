import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runtimeWords } from '@kanade/testkit';

/** The words that run a program of `test/programs`. */
export function programWords(name: string, args: readonly string[], runtime = runtimeWords('node')): string[] {
  const path = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  return [...runtime, path, ...args];
}

/**
 * Runs one in a process of its own, through a wrapper if need be, on Node unless told otherwise. `output` resolves with its
 * stdout when it has ended.
 */
export function startProgram(
  name: string,
  args: readonly string[],
  wrapper: readonly string[] = [],
  runtime = runtimeWords('node'),
) {
  const [file = '', ...words] = [...wrapper, ...programWords(name, args, runtime)];
  const child = spawn(file, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const output = once(child, 'close').then(() => text.trim());
  return { child, output };
}
