/** The TypeScript files that git knows or would take. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { root } from './toolchain.mjs';

export const isTestFile = (path) => /\.test\.tsx?$|\/test\/|vitest\.config\.ts$/.test(path);

/** Each as `{ path, text }`, the path relative to the root. */
export function sourceFiles() {
  const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '--', 'packages', 'apps'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed
    .split('\n')
    .filter((path) => /\.tsx?$/.test(path) && existsSync(`${root}/${path}`)) // git lists deleted files until the commit
    .map((path) => ({ path, text: readFileSync(`${root}/${path}`, 'utf8') }));
}
