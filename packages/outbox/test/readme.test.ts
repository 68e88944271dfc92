import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runtimes } from './runtimes.ts';

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

function firstBlock(language: string): string {
  const block = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`README.md has no block of ${language}`);
  return block;
}

it.each(['node', 'bun'] as const)('the example prints on %s what the README says', (runtime) => {
  // Inside the package, so that its own name resolves.
  const directory = mkdtempSync(join(import.meta.dirname, '.tmp-readme-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const example = join(directory, 'example.ts');
  writeFileSync(example, firstBlock('ts'));
  const [command, ...flags] = runtimes[runtime];
  const ran = spawnSync(command, [...flags, example], { encoding: 'utf8' });
  expect(ran.stderr).toBe('');
  if (runtime === 'node') expect(ran.stdout).toBe(firstBlock('text'));
  // Bun lays objects out over lines.
  else expect(ran.stdout.match(/\w+/g)).toEqual(firstBlock('text').match(/\w+/g));
});
