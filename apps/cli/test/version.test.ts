import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('the npm form says the version of its package', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const program = fileURLToPath(new URL('../src/bin.ts', import.meta.url));
  const said = execFileSync(process.execPath, ['--conditions=@kanade/source', program, '--version'], {
    encoding: 'utf8',
  });
  expect(said).toMatch(new RegExp(`^kanade ${version} \\(node `));
});
