/* The files of an install, the same for every kind of package, and how the tools that pack them are called. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const license = join(here, '../../../LICENSE');
const program = '/opt/kanade/bin/kanade';
const links = ['kanade', 'agent-exec', 'kanade-agent', 'kanade-client'];

/** What people may change: an upgrade leaves it, and says when there is something new. */
export const settings = ['/etc/kanade/agent.toml', '/etc/xdg/autostart/kanade-client.desktop'];

/** The one description, in every package. */
export const description = {
  summary: 'runs jobs on this machine and knows how every one of them ended',
  text: 'The command line, the agent that takes orders of a fleet, and the Client App for the person at the machine, in one program.',
  maintainer: 'kanade <kanade@kanade.invalid>',
};

/** Where → what of ours stands there. */
const sources = {
  '/etc/kanade/agent.toml': 'files/agent.toml',
  '/etc/xdg/autostart/kanade-client.desktop': 'files/kanade-client.desktop',
  '/opt/kanade/share/boot-guard.sh': '../../../packages/update/guard/boot-guard.sh',
  '/opt/kanade/share/hardening.conf': 'files/hardening.conf',
  '/opt/kanade/share/LICENSE': '../../../LICENSE',
  '/usr/lib/systemd/system/kanade-agent.service': 'files/kanade-agent.service',
  '/usr/share/applications/kanade-client.desktop': 'files/kanade-client.desktop',
};

/** Puts what is installed below `tree`, with the modes that it has there. */
export function stageInstall({ tree, executable, releaseKeys }) {
  const put = (path, source, mode = 0o644) => {
    const target = join(tree, path);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(source, target);
    chmodSync(target, mode);
  };
  put(program, executable, 0o755);
  for (const [path, source] of Object.entries(sources)) put(path, join(here, source));
  if (releaseKeys !== undefined) put('/opt/kanade/share/release-keys.json', releaseKeys);
  mkdirSync(join(tree, 'usr/bin'));
  for (const link of links) symlinkSync(program, join(tree, 'usr/bin', link));
}

/** A script: what they all have in common, and its own part. `head` = false for tools that bring an interpreter of their own. */
export function scriptText(name, { head = true } = {}) {
  const part = (file) => readFileSync(join(here, 'scripts', `${file}.sh`), 'utf8');
  return `${head ? '#!/bin/sh\n' : ''}set -eu\n${part('system')}\n${part(name)}`;
}

export function putScript(path, name) {
  writeFileSync(path, scriptText(name));
  chmodSync(path, 0o755);
}

/** Files and directories below `dir`, as paths from it, a directory behind what is in it; links are not followed. */
export function entriesOf(dir) {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true });
  return entries
    .map((entry) => ({ path: join(entry.parentPath, entry.name).slice(dir.length), isDirectory: entry.isDirectory() }))
    .sort((a, b) => (a.path < b.path ? 1 : -1));
}

/** Sets every mode that a umask may have changed, and every time. */
export function settle(dir, epoch) {
  for (const { path, isDirectory } of entriesOf(dir)) {
    if (isDirectory) chmodSync(`${dir}${path}`, 0o755);
    lutimesSync(`${dir}${path}`, epoch, epoch);
  }
  chmodSync(dir, 0o755);
  lutimesSync(dir, epoch, epoch);
}

/** Runs a tool to its end; throws with what it said when it fails. */
export function runTool(words, { epoch, ...options }) {
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch), LC_ALL: 'C', TZ: 'UTC' };
  try {
    return execFileSync(words[0], words.slice(1), {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      ...options,
    });
  } catch (error) {
    const reason =
      error.code === 'ENOENT' ? 'it is not installed' : `${error.stderr ?? ''}${error.stdout ?? ''}`.trim();
    throw new Error(`make a package with ${words[0]}: ${reason}`, { cause: error });
  }
}
