import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program of `test/programs` in a process of its own. `output` resolves with its stdout when it has ended. */
export function startProgram(name: string, args: readonly string[]) {
  const path = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@kanade/source', path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const output = once(child, 'close').then(() => text.trim());
  return { child, output };
}
