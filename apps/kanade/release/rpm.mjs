/* The package of Fedora, RHEL and SUSE, by rpmbuild. */
import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { description, entriesOf, runTool, scriptText, settings, settle } from './tree.mjs';

const architectures = { 'linux-x64': 'x86_64', 'linux-arm64': 'aarch64' };

/** Directories of ours; all others belong to the system. */
const ownDirectories = ['/etc/kanade', '/opt/kanade', '/opt/kanade/bin', '/opt/kanade/share'];

/** Makes it in `out`; returns its path. */
export function makeRpm({ tree, version, platform, out, scratch, epoch, isQuick }) {
  const spec = join(scratch, 'kanade.spec');
  settle(tree, epoch);
  writeFileSync(spec, specText({ tree, version: version.replace('-', '~'), isQuick }));
  const top = join(scratch, 'rpm');
  const target = `${architectures[platform]}-linux`;
  runTool(['rpmbuild', '-bb', '--quiet', '--target', target, '--define', `_topdir ${top}`, spec], { epoch });
  const made = join(top, 'RPMS', architectures[platform]);
  const [name = ''] = readdirSync(made);
  const file = join(out, basename(name));
  runTool(['cp', join(made, name), `${file}.part`], { epoch });
  renameSync(`${file}.part`, file);
  return file;
}

function filesOf(tree) {
  return entriesOf(tree)
    .filter(({ path, isDirectory }) => !isDirectory || ownDirectories.includes(path))
    .map(({ path, isDirectory }) => {
      if (isDirectory) return `%dir ${path}`;
      return settings.includes(path) ? `%config(noreplace) ${path}` : path;
    })
    .toReversed();
}

/** Whatever a distribution does to binaries would break ours, which holds its program behind the code. */
const specText = ({ tree, version, isQuick }) => `%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _buildhost kanade
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _binary_payload w${isQuick ? 1 : 15}.zstdio
Name: kanade
Version: ${version}
Release: 1
Summary: ${description.summary}
License: MIT
Packager: ${description.maintainer}
AutoReqProv: no
Requires: glibc >= 2.17, util-linux
Recommends: systemd
%description
${description.text}
%install
mkdir -p %{buildroot}
cp -a ${tree}/. %{buildroot}/
%files
%defattr(-,root,root,-)
${filesOf(tree).join('\n')}
%post
${escaped('rpm-post')}
%preun
${escaped('rpm-preun')}
%postun
${escaped('rpm-postun')}
`;

/** A percent sign is the beginning of a macro there. */
const escaped = (name) => scriptText(name, { head: false }).replaceAll('%', '%%');
