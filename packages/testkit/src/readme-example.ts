import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/**
 * Runs the first `ts` block of a package's README as a program and returns what it printed, and what the `text` block
 * behind it says it prints. The file stands inside the package, so that it imports what a reader would.
 */
export async function runReadmeExample(
  packageDir: string,
  env: Record<string, string> = {},
): Promise<{ printed: string; promised: string }> {
  const readme = await readFile(join(packageDir, 'README.md'), 'utf8');
  const match = /```ts\n([\s\S]*?)```[\s\S]*?```text\n([\s\S]*?)```/.exec(readme);
  if (!match) throw new Error(`README of ${packageDir} has no ts block followed by a text block`);
  const file = join(packageDir, `.readme-example-${process.pid}.ts`);
  await writeFile(file, match[1] ?? '');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@kanade/source', file], {
      cwd: packageDir,
      env: { ...process.env, ...env },
    });
    return { printed: stdout, promised: match[2] ?? '' };
  } finally {
    await rm(file, { force: true });
  }
}
