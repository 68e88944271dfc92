/**
 * What is published: each entry as one file, so that importing a client reads one module instead of thirty. The types stay as tsc wrote them. No class
 * crosses from one entry to another (KlpError is of the main entry, SocketError of `./socket`), so each may have its own copy of what it needs.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const outdir = join(root, 'dist/bundle');

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['index', 'socket', 'memory', 'trace', 'bin'].map((entry) => `src/${entry}.ts`),
  outdir,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  logLevel: 'error',
});
