/** What goes into a package, and that the same comes out of it each time. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type Making, makePackages } from './make-packages.ts';

/** A program of some bytes: what is looked at here does not depend on it. */
async function openShop() {
  const dir = await tempDir();
  const executable = `${dir.path}/kanade`;
  writeFileSync(executable, '#!/bin/sh\necho 1.0.0\n');
  const keys = `${dir.path}/keys.json`;
  writeFileSync(keys, '{}');
  const given = { executable, version: '1.0.0', platform: 'linux-x64' };
  return {
    path: dir.path,
    make: (out: string, { more = [], ...making }: Partial<Making> = {}) =>
      makePackages({ ...given, out: `${dir.path}/${out}`, ...making, more: ['--quick', ...more] }),
    keys,
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** Who calls it → how it is taken out of its package, `$0`. */
const scripts = [
  ...['postinst', 'prerm', 'postrm'].map((name) => ['deb', name, `dpkg-deb --info "$0" ${name}`] as const),
  ...['POSTIN', 'PREUN', 'POSTUN'].map((name) => ['rpm', name, `rpm -qp --queryformat '%{${name}}' "$0"`] as const),
  ...['install.sh', 'uninstall.sh'].map(
    (name) => ['tarball', name, `tar -xzOf "$0" --wildcards '*64/${name}'`] as const,
  ),
];

const told = (words: readonly string[]): string =>
  execFileSync(words[0] ?? '', words.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

describe('makePackages()', () => {
  it('makes the same bytes again, whatever the umask', async () => {
    await using shop = await openShop();
    const first = await shop.make('a', { umask: '077' });
    const second = await shop.make('b', { umask: '002' });
    expect(first.map(({ kind }) => kind)).toEqual(['deb', 'rpm', 'tarball']);
    expect(second.map(({ sha256 }) => sha256)).toEqual(first.map(({ sha256 }) => sha256));
    for (const [index, { file }] of first.entries()) {
      expect(readFileSync(file).equals(readFileSync(second[index]?.file ?? ''))).toBe(true);
    }
  });

  it('gives everything to root, nothing to others, and brings the release keys', async () => {
    await using shop = await openShop();
    const [deb, rpm, tarball] = await shop.make('out', { more: ['--release-keys', shop.keys] });
    const lists = [
      told(['dpkg-deb', '--contents', deb?.file ?? '']),
      told(['rpm', '--query', '--list', '--verbose', '--package', rpm?.file ?? '']),
      told(['tar', '--list', '--verbose', '--gunzip', '--file', tarball?.file ?? '']),
    ];
    for (const list of lists) {
      const lines = list.trim().split('\n');
      expect(lines.filter((line) => !/^(l|[-d]rw[-x]r-[-x]r-[-x])/.test(line))).toEqual([]);
      expect(lines.filter((line) => !/ (root\/root|root +root|0\/0) /.test(line))).toEqual([]);
      for (const path of ['release-keys.json', 'kanade-agent.service', 'usr/bin/agent-exec', 'etc/kanade/agent.toml']) {
        expect(list).toContain(path);
      }
    }
    expect(told(['dpkg-deb', '--info', deb?.file ?? '', 'conffiles'])).toContain('/etc/kanade/agent.toml\n');
    expect(told(['rpm', '--query', '--configfiles', '--package', rpm?.file ?? ''])).toContain(
      '/etc/kanade/agent.toml\n',
    );
  });

  it('knows what a platform has, and what is no version', async () => {
    await using shop = await openShop();
    expect(await shop.make('out', { platform: 'darwin-arm64' })).toEqual([]);
    const musl = await shop.make('out', { platform: 'linux-x64-musl' });
    expect(musl).toMatchObject([
      { kind: 'tarball', file: expect.stringMatching(/kanade-1\.0\.0-linux-x86_64-musl\.tar\.gz$/) },
    ]);
    const [deb] = await shop.make('out', { platform: 'linux-arm64', version: '1.0.0-rc.1', more: ['--kinds', 'deb'] });
    expect(told(['dpkg-deb', '--field', deb?.file ?? '', 'Version', 'Architecture'])).toBe(
      'Version: 1.0.0~rc.1\nArchitecture: arm64\n',
    );
    await expect(shop.make('out', { version: '1.0\nPre-Depends: x' })).rejects.toThrow('not a version');
  });

  it('puts no script into them that shellcheck finds a fault in', async () => {
    await using shop = await openShop();
    const made = await shop.make('out');
    for (const [kind, name, taking] of scripts) {
      const text = told(['sh', '-c', taking, made.find((one) => one.kind === kind)?.file ?? '']);
      expect(text).toContain('kanade-agent.service');
      writeFileSync(`${shop.path}/${name}`, text);
      expect(told(['shellcheck', '--shell', 'sh', `${shop.path}/${name}`])).toBe('');
    }
  });
});

describe('install.sh and uninstall.sh', () => {
  it('refuse whom they cannot serve, and say what they are for', async () => {
    await using shop = await openShop();
    const [tarball] = await shop.make('out', { more: ['--kinds', 'tarball'] });
    told(['tar', '-xzf', tarball?.file ?? '', '-C', shop.path]);
    const dir = `${shop.path}/kanade-1.0.0-linux-x86_64`;
    told(['chmod', '755', shop.path]);
    const call = (name: string, ...args: string[]) => {
      const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', `${dir}/${name}`, ...args];
      try {
        return { status: 0, said: told(nobody) };
      } catch (error) {
        const { status, stderr } = error as { status: number; stderr: string };
        return { status, said: stderr };
      }
    };
    for (const name of ['install.sh', 'uninstall.sh']) {
      expect(call(name)).toMatchObject({ status: 1, said: expect.stringContaining('needs root: sudo') });
      expect(call(name, '--nonsense')).toMatchObject({ status: 2, said: expect.stringContaining(`Usage: ${name}`) });
      expect(call(name, '--help')).toMatchObject({ status: 0, said: expect.stringContaining(`Usage: ${name}`) });
    }
  });
});
