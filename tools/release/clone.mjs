/**
 * The clone that a release is made in: what is built is what is committed, and whoever dies on the way leaves the checkout as it
 * was. It stays afterwards, with its packages and its cache, and is made anew when it is broken.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { environment } from '../toolchain.mjs';
import { ReleaseFault } from './fault.mjs';
import { git } from './git.mjs';

/** Checks out a commit of a repository in `dir`, nothing of an earlier build beside it, and installs what its lockfile says. */
export async function openClone(root, dir, commit, say) {
  await othersGone(dir, say);
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
  await run(dir, 'pnpm', [...install, '--offline']).catch(() => run(dir, 'pnpm', [...install, '--prefer-offline']));
}

const lookEveryMs = 200;

/**
 * Waits for programs that work in a directory: a release that was killed leaves its compilers behind, and they would write into what
 * is made next. They come to their end by themselves. Only Linux tells who works where.
 */
export async function othersGone(dir, say = () => undefined) {
  for (let pids = workingIn(dir); pids.length > 0; pids = workingIn(dir)) {
    say(`waiting for programs that a killed release left at work: ${pids.join(', ')}`);
    say = () => undefined;
    await delay(lookEveryMs);
  }
}

function workingIn(dir) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return `${readlinkSync(`/proc/${pid}/cwd`)}/`.startsWith(`${dir}/`);
    } catch {
      return false; // it has just gone, or is somebody else's
    }
  });
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

/** Runs a program of the clone to its end; resolves with what it printed. @throws ReleaseFault `step_failed`, with its last lines */
export async function run(dir, file, words, cwd = '.') {
  const options = { cwd: join(dir, cwd), env: cloneEnvironment(dir), maxBuffer: 1 << 28 };
  try {
    return (await promisify(execFile)(file, words, options)).stdout;
  } catch (error) {
    const told = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim().split('\n').slice(-20).join('\n');
    const how = error.signal ? `killed by ${error.signal}` : `it ended with ${error.code}`;
    throw new ReleaseFault('step_failed', `${file} ${words.join(' ')}: ${how}\n${told}`);
  }
}
