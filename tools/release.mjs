/** `pnpm release`: sets the machine up as every other command of the repository does, then runs `release/main.mjs`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { environment, installPackages, onPinnedNode, root } from './toolchain.mjs';

installPackages();
await onPinnedNode();
// Packages of this repository are taken from their sources: nothing has to be built before a release.
const words = [
  '--conditions=@kanade/source',
  '--disable-warning=ExperimentalWarning',
  join(root, 'tools/release/main.mjs'),
];
const { status } = spawnSync(process.execPath, [...words, ...process.argv.slice(2)], {
  env: environment(),
  stdio: 'inherit',
});
process.exit(status ?? 1);
