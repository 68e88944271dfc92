import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Runtime, runtimeWords } from './runtime.ts';

export interface ReadmeExampleOptions {
  readonly runtime?: Runtime;
  /** Added to the environment of the example. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs the first `ts` block of a package's README as a program and returns what it printed, and what the `text` block
 * behind it says it prints. It stands in a directory of its own
 * inside the package, so that it imports what a reader would; the working directory is the package.
 */
export async function runReadmeExample(
  packageDir: string,
  { runtime = 'node', env = {} }: ReadmeExampleOptions = {},
): Promise<{ printed: string; promised: string }> {
  const readme = await readFile(join(packageDir, 'README.md'), 'utf8');
  const match = /```ts\n([\s\S]*?)```(?:[\s\S]*?```text\n([\s\S]*?)```)?/.exec(readme);
  if (!match) throw new Error(`README of ${packageDir} has no ts block`);
  const dir = await mkdtemp(join(packageDir, '.readme-example-'));
  const file = join(dir, 'example.ts');
  await writeFile(file, match[1] ?? '');
  // A reader's terminal may have colours; the README has none.
  const { FORCE_COLOR: _, ...plain } = process.env;
  try {
    const [program, ...words] = runtimeWords(runtime);
    const { stdout } = await promisify(execFile)(program, [...words, file], {
      cwd: packageDir,
      env: { ...plain, NO_COLOR: '1', ...env },
    });
    return { printed: stdout, promised: match[2] ?? '' };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
