import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const packageDir = fileURLToPath(new URL('..', import.meta.url));

it('the table of the README names every type of the reference, every schema is in it and has frozen documents', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@kanade/source', 'build/coverage.mjs', '--check'],
    { cwd: packageDir, encoding: 'utf8' },
  );
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
