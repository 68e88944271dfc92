/**
 * The clone that a release is made in: what is built is what is committed, and whoever dies on the way leaves the checkout as it
 * was. It stays afterwards, with its packages and its cache, and is made anew when it is broken.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { environment } from '../toolchain.mjs';
import { ReleaseFault } from './fault.mjs';
import { git } from './git.mjs';

/** Checks out a commit of a repository in `dir`, nothing of an earlier build beside it, and installs what its lockfile says. */
export function openClone(root, dir, commit) {
  try {
    if (!existsSync(join(dir, '.git'))) throw new Error('no clone');
    git(
      dir,
      'fetch',
      '--quiet',
      '--prune',
      'origin',
      '+refs/heads/*:refs/remotes/origin/*',
      '+refs/tags/*:refs/tags/*',
    );
    git(dir, 'checkout', '--quiet', '--force', '--detach', commit);
    git(dir, 'clean', '-fdxq', '-e', 'node_modules', '-e', '.nx');
  } catch {
    rmSync(dir, { recursive: true, force: true });
    git(root, 'clone', '--quiet', '--no-checkout', root, dir);
    git(dir, 'checkout', '--quiet', '--detach', commit);
  }
  const install = ['install', '--frozen-lockfile'];
  if (!succeeds(dir, 'pnpm', [...install, '--offline'])) run(dir, 'pnpm', [...install, '--prefer-offline']);
}

/** Commits everything that changed in the clone, as who commits in the repository; returns the commit. */
export function commitAll(root, dir, message) {
  const who = ['name', 'email'].flatMap((field) => ['-c', `user.${field}=${git(root, 'config', `user.${field}`)}`]);
  git(dir, 'add', '--all');
  git(dir, ...who, 'commit', '--quiet', '--no-verify', '--message', message);
  return git(dir, 'rev-parse', 'HEAD');
}

/** Seconds of a commit: the clock of everything that is built from it. */
const secondsOf = (dir) => git(dir, 'log', '-1', '--format=%ct');

/** What changes the bytes that tools write, or where they look for things; not what a build may know. */
const strange = /^(NX_|BUN_|NODE_ENV$|NODE_OPTIONS$|VITEST|npm_(lifecycle|package|execpath|command)|INIT_CWD$|KANADE_)/;

function cloneEnvironment(dir) {
  const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => !strange.test(name)));
  const path = `${join(dir, 'node_modules/.bin')}${delimiter}${env.PATH}`;
  return {
    ...env,
    PATH: path,
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    CI: 'true',
    SOURCE_DATE_EPOCH: secondsOf(dir),
    TZ: 'UTC',
  };
}

const start = (dir, file, words, cwd) =>
  spawnSync(file, words, {
    cwd: join(dir, cwd ?? '.'),
    env: cloneEnvironment(dir),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });

const succeeds = (dir, file, words) => start(dir, file, words).status === 0;

/** Runs a program of the clone to its end; returns what it printed. @throws ReleaseFault `step_failed`, with its last lines */
export function run(dir, file, words, cwd) {
  const { status, signal, stdout, stderr, error } = start(dir, file, words, cwd);
  if (status === 0) return stdout;
  const told = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n').slice(-20).join('\n');
  const how = error?.message ?? (signal ? `killed by ${signal}` : `exit code ${status}`);
  throw new ReleaseFault('step_failed', `${file} ${words.join(' ')}: ${how}\n${told}`);
}
