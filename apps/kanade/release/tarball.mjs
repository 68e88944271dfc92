/* For every other Linux: the files of an install as they lie, with scripts that put them there and take them away. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { license, putScript, runTool, settle } from './tree.mjs';

const readme = join(dirname(fileURLToPath(import.meta.url)), 'files/README');

/** As the manifest of a release calls them. */
const platformNames = {
  'linux-x64': 'linux-x86_64',
  'linux-arm64': 'linux-aarch64',
  'linux-x64-musl': 'linux-x86_64-musl',
};

/** Makes it in `out`; returns its path. */
export function makeTarball({ tree, version, platform, out, scratch, epoch, isQuick }) {
  const name = `kanade-${version}-${platformNames[platform]}`;
  const dir = join(scratch, 'tarball', name);
  mkdirSync(dir, { recursive: true });
  runTool(['cp', '-al', tree, join(dir, 'root')], { epoch });
  putScript(join(dir, 'install.sh'), 'install');
  putScript(join(dir, 'uninstall.sh'), 'uninstall');
  putScript(join(dir, 'root/opt/kanade/share/uninstall.sh'), 'uninstall');
  copyFileSync(readme, join(dir, 'README'));
  copyFileSync(license, join(dir, 'LICENSE'));
  settle(dir, epoch);
  const file = join(out, `${name}.tar.gz`);
  const order = ['--sort=name', '--format=gnu', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`];
  const compressor = `gzip -n -${isQuick ? 1 : 6}`;
  runTool(['tar', ...order, '-I', compressor, '-cf', file, '-C', dirname(dir), name], { epoch });
  return file;
}
