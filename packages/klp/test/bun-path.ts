import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The Bun that the workspace pins. */
export function bunPath(): string {
  const name = `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : 'x64'}`;
  const root = createRequire(join(import.meta.dirname, '../../../package.json'));
  return join(dirname(root.resolve(`${name}/package.json`)), 'bin', 'bun');
}
