/**
 * Makes a fresh checkout able to work: everything that the repository needs beyond git, Node >= 20 and npm. Runs on the
 * Node that the machine has, so built-ins of Node 20 only; everything else runs on the Node that the lockfile pinned.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const bin = join(root, 'node_modules/.bin');
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Tells the person at the keyboard what takes time. */
export const say = (text) => process.stderr.write(`${text}\n`);

/** Ends the program with one sentence that says what to do. */
export function fail(text, code = 1) {
  say(text);
  process.exit(code);
}

/** The environment of every program of the repository: its own tools first, Nx quiet and without its daemon. */
export function environment() {
  return { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, NX_DAEMON: 'false', NX_TUI: 'false' };
}

/** Installs packages when the lockfile is newer than what is installed. */
export function installPackages() {
  const installed = join(root, 'node_modules/.modules.yaml');
  const isFresh =
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'pnpm-lock.yaml')).mtimeMs;
  if (isFresh) return;
  say('installing packages (pnpm, Node 24 and Bun included; half a minute the first time) ...');
  const { status } = spawnSync('npx', ['-y', packageManager, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) fail('installing packages failed: see above; the npm registry must be reachable the first time');
}

/** Path of the Node that runs the repository: the pinned one, else this one when it is new enough. */
export function nodePath() {
  const pinned = join(bin, process.platform === 'win32' ? 'node.exe' : 'node');
  if (existsSync(pinned)) return pinned;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  return fail(
    `Node >= 24 is needed on ${process.platform}-${process.arch}: found ${process.version}; no pinned build exists for this platform`,
  );
}

/** Runs this very script again on the right Node, unless it runs on it already; ends the process with its exit code. */
export async function onPinnedNode() {
  const node = nodePath();
  if (Number(process.versions.node.split('.')[0]) >= 24) {
    process.env.PATH = environment().PATH;
    return;
  }
  const child = spawn(node, process.argv.slice(1), { cwd: root, env: environment(), stdio: 'inherit' });
  // The terminal signals the whole group: the child decides when it is done.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && child.kill(signal));
  const code = await new Promise((resolve) => child.on('exit', (status, signal) => resolve(signal ? 1 : status)));
  process.exit(code);
}

/** Runs a program of the repository to its end; returns its exit status. */
export function runTool(name, args, options = {}) {
  const { status } = spawnSync(process.execPath, [toolScript(name), ...args], {
    cwd: root,
    env: environment(),
    stdio: 'inherit',
    ...options,
  });
  return status ?? 1;
}

const scripts = { nx: 'nx/dist/bin/nx.js' };
export const toolScript = (name) => join(root, 'node_modules', scripts[name] ?? fail(`no such tool: ${name}`));
