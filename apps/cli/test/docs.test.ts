import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('docs/cli.md says what the command table says', () => {
  const script = fileURLToPath(new URL('../build/docs.mjs', import.meta.url));
  const page = execFileSync(process.execPath, ['--conditions=@kanade/source', script, '--print'], { encoding: 'utf8' });
  expect(readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8')).toBe(page);
});
