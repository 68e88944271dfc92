/* The package of Debian and Ubuntu, by dpkg-deb. */
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { description, entriesOf, license, putScript, runTool, settings, settle } from './tree.mjs';

const architectures = { 'linux-x64': 'amd64', 'linux-arm64': 'arm64' };

/** zstd, because unpacking is part of every install, and xz is slow at it. */
const levels = { quick: 1, best: 15 };

/** Makes it in `out`; returns its path. */
export function makeDeb({ tree, version, platform, out, scratch, epoch, isQuick }) {
  const root = join(scratch, 'deb');
  runTool(['cp', '-al', tree, root], { epoch });
  const control = join(root, 'DEBIAN');
  mkdirSync(control);
  mkdirSync(join(root, 'usr/share/doc/kanade'), { recursive: true });
  copyFileSync(license, join(root, 'usr/share/doc/kanade/copyright'));
  const files = entriesOf(root).filter(({ path, isDirectory }) => !isDirectory && !path.startsWith('/DEBIAN'));
  const regular = files.map(({ path }) => path).filter((path) => !path.startsWith('/usr/bin/'));
  const debVersion = version.replace('-', '~');
  const architecture = architectures[platform];
  writeFileSync(join(control, 'control'), controlText({ debVersion, architecture, bytes: sizeOf(root, regular) }));
  writeFileSync(join(control, 'conffiles'), settings.map((path) => `${path}\n`).join(''));
  writeFileSync(
    join(control, 'md5sums'),
    regular
      .toReversed()
      .map((path) => `${md5Of(root + path)}  ${path.slice(1)}\n`)
      .join(''),
  );
  for (const name of ['postinst', 'prerm', 'postrm']) putScript(join(control, name), `deb-${name}`);
  settle(root, epoch);
  const file = join(out, `kanade_${debVersion}_${architecture}.deb`);
  const level = isQuick ? levels.quick : levels.best;
  // One thread: with more of them the bytes depend on how many there are.
  const pack = ['-Zzstd', `-z${level}`, '--threads-max=1', '--root-owner-group'];
  runTool(['dpkg-deb', ...pack, '--build', root, file], { epoch });
  return file;
}

const sizeOf = (root, paths) => paths.reduce((sum, path) => sum + statSync(root + path).size, 0);

const md5Of = (path) => createHash('md5').update(readFileSync(path)).digest('hex');

const controlText = ({ debVersion, architecture, bytes }) => `Package: kanade
Version: ${debVersion}
Architecture: ${architecture}
Maintainer: ${description.maintainer}
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: libc6 (>= 2.17), util-linux
Recommends: systemd
Section: admin
Priority: optional
Description: ${description.summary}
 ${description.text}
`;
