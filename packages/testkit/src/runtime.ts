import { createRequire } from 'node:module';
import { join } from 'node:path';

/** What our libraries run on. */
export type Runtime = 'node' | 'bun';

/** The words that run a TypeScript program from the sources of the workspace, on a runtime that the lockfile pins. */
export function runtimeWords(runtime: Runtime): [string, ...string[]] {
  return [runtime === 'node' ? process.execPath : bunPath(), '--conditions=@kanade/source'];
}

/** The Bun that the workspace pins. */
export function bunPath(): string {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const workspace = createRequire(join(import.meta.dirname, '../../../package.json'));
  const manifest = workspace.resolve(`@oven/bun-${process.platform}-${arch}/package.json`);
  return join(manifest, '../bin', process.platform === 'win32' ? 'bun.exe' : 'bun');
}
