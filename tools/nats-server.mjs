/**
 * Finds a nats-server, or makes one: NATS_SERVER, then PATH and the sbin directories (2.10 or newer), then the ignored
 * folder of this checkout, then a build with Go, then Debian's older one. Runs on the Node that a fresh machine has.
 *
 *   node tools/nats-server.mjs [--install]   one JSON line: {"path","version","origin"} or {"problem"} (exit 1)
 *   node tools/nats-server.mjs --both        the same for both servers that the tests run on: {"current","debian"}
 */
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The version that is built where Go is present. */
export const currentVersion = '2.15.2';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const program = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
const builtIn = join(checkout, '.cache', 'nats');
const debianIn = join(checkout, '.cache', 'nats-debian');
const sbinDirectories = ['/usr/sbin', '/usr/local/sbin', '/sbin'];
const buildTimeoutMs = 600_000;
const downloadTimeoutMs = 180_000;
const versionTimeoutMs = 10_000;
const outputBytesMax = 16 * 1_048_576;

/**
 * @typedef {{ path: string, version: string, origin: 'NATS_SERVER' | 'system' | 'cache' | 'go' | 'debian' }} NatsServer
 * @typedef {{ problem: string }} Problem
 */

/**
 * The nats-server to use. `install` allows Debian's package to be fetched (unpacked below `.cache`, nothing is started);
 * `progress` hears of steps that take long. Never throws: what went wrong is one sentence in `problem`.
 *
 * @param {{ install?: boolean, progress?: (step: string) => void }} [options]
 * @returns {Promise<NatsServer | Problem>}
 */
export async function findNatsServer({ install = false, progress = () => {} } = {}) {
  const current = await findCurrent(progress);
  if (!('problem' in current) || process.env.NATS_SERVER) return current;
  const debian = await findDebian(install, progress);
  if (!('problem' in debian)) return debian;
  return {
    problem: `no nats-server: ${current.problem}; ${debian.problem}. Put one on PATH, or name it in NATS_SERVER`,
  };
}

/**
 * Both servers that the tests run on: a current one and Debian's 2.9. Fetches or builds what is missing.
 *
 * @param {{ progress?: (step: string) => void }} [options]
 * @returns {Promise<{ current: NatsServer | Problem, debian: NatsServer | Problem }>}
 */
export async function ensureBoth({ progress = () => {} } = {}) {
  const [current, debian] = await Promise.all([findCurrent(progress), findDebian(true, progress)]);
  return { current, debian };
}

async function findCurrent(progress) {
  const named = process.env.NATS_SERVER;
  if (named) {
    const version = await versionOf(named);
    return version
      ? { path: named, version, origin: 'NATS_SERVER' }
      : { problem: `NATS_SERVER does not run as a nats-server: ${named}` };
  }
  for (const path of systemPaths()) {
    const version = await versionOf(path);
    if (version && atLeast(version, 2, 10)) return { path, version, origin: 'system' };
  }
  const path = join(builtIn, program);
  const version = await versionOf(path);
  return version ? { path, version, origin: 'cache' } : build(progress);
}

async function findDebian(fetchAllowed, progress) {
  for (const path of [...systemPaths(), join(debianIn, program)]) {
    const version = await versionOf(path);
    if (version && !atLeast(version, 2, 10)) return { path, version, origin: 'debian' };
  }
  return fetchAllowed ? fetchDebian(progress) : { problem: 'no older nats-server of the system either' };
}

async function build(progress) {
  const go = await findGo();
  if (!go) return { problem: 'none of version 2.10 or newer is installed and there is no Go to build one' };
  return into(builtIn, async (scratch) => {
    const proxies = (await run(go, ['env', 'GOPROXY'], { timeout: versionTimeoutMs })).stdout.trim();
    const module = `github.com/nats-io/nats-server/v2@v${currentVersion}`;
    progress(`building nats-server ${currentVersion} with Go (about half a minute, once)`);
    // Only module proxies: "direct" would run version control tools against whatever host a module names.
    const GOPROXY =
      proxies
        .split(/[,|]/)
        .filter((proxy) => proxy !== '' && proxy !== 'direct')
        .join(',') || 'off';
    const env = { ...process.env, GOBIN: scratch, GOPROXY, CGO_ENABLED: '0', GOOS: '', GOARCH: '' };
    const built = await run(go, ['install', module], { cwd: scratch, env, timeout: buildTimeoutMs });
    if (built.fault) return { problem: `building nats-server ${currentVersion} with Go failed: ${built.fault}` };
    return { file: join(scratch, program), origin: 'go' };
  });
}

async function fetchDebian(progress) {
  if (!(await onPath('apt-get')) || !(await onPath('dpkg-deb'))) {
    return { problem: "Debian's package cannot be had: there is no apt-get here" };
  }
  return into(debianIn, async (scratch) => {
    progress("fetching Debian's nats-server package");
    const download = () => run('apt-get', ['download', 'nats-server'], { cwd: scratch, timeout: downloadTimeoutMs });
    let got = await download();
    if (got.fault && process.getuid?.() === 0) {
      // A fresh machine has no package lists yet.
      const updated = await run('apt-get', ['update'], { timeout: downloadTimeoutMs });
      got = updated.fault ? updated : await download();
    }
    if (got.fault) return { problem: `fetching Debian's nats-server package failed: ${got.fault}` };
    const archive = (await readdir(scratch)).find((name) => name.endsWith('.deb'));
    if (!archive) return { problem: "fetching Debian's nats-server package failed: no file arrived" };
    // Unpacked, not installed: installing would start a service.
    const unpacked = await run('dpkg-deb', ['-x', archive, 'root'], { cwd: scratch, timeout: downloadTimeoutMs });
    if (unpacked.fault) return { problem: `unpacking ${archive} failed: ${unpacked.fault}` };
    return { file: join(scratch, 'root', 'usr', 'sbin', program), origin: 'debian' };
  });
}

/** Runs `make` in a scratch directory beside the target and renames what it made, so that half a file never counts. */
async function into(directory, make) {
  let scratch;
  try {
    await mkdir(directory, { recursive: true });
    scratch = await mkdtemp(join(directory, '.new-'));
    const made = await make(scratch);
    if ('problem' in made) return made;
    const version = await versionOf(made.file);
    if (!version) return { problem: `what was made does not run as a nats-server: ${made.file}` };
    const path = join(directory, program);
    await rename(made.file, path);
    return { path, version, origin: made.origin };
  } catch (error) {
    return { problem: `${directory} could not take a nats-server: ${error.message}` };
  } finally {
    if (scratch) await rm(scratch, { recursive: true, force: true });
  }
}

function systemPaths() {
  const directories = [...(process.env.PATH ?? '').split(delimiter), ...sbinDirectories].filter(Boolean);
  return [...new Set(directories)].map((directory) => join(directory, program));
}

async function findGo() {
  return (await onPath('go')) ?? ((await executable('/usr/local/go/bin/go')) ? '/usr/local/go/bin/go' : undefined);
}

async function onPath(name) {
  const file = process.platform === 'win32' ? `${name}.exe` : name;
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    if (directory !== '' && (await executable(join(directory, file)))) return join(directory, file);
  }
  return undefined;
}

function executable(path) {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function versionOf(path) {
  if (!(await executable(path))) return undefined;
  const { fault, stdout } = await run(path, ['-v'], { timeout: versionTimeoutMs });
  return fault ? undefined : /nats-server: v?(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

function atLeast(version, major, minor) {
  const [haveMajor = 0, haveMinor = 0] = version.split('.').map(Number);
  return haveMajor > major || (haveMajor === major && haveMinor >= minor);
}

/** Runs a program to its end. `fault` is one line that says why it failed, taken from its own last words. */
function run(file, args, options) {
  return new Promise((resolve) => {
    execFile(file, args, { encoding: 'utf8', maxBuffer: outputBytesMax, ...options }, (error, stdout, stderr) => {
      if (!error) return resolve({ stdout });
      const lastLine = stderr
        .trim()
        .split('\n')
        .findLast((line) => line.trim() !== '');
      const fault = error.killed ? `no end after ${options.timeout} ms` : (lastLine ?? error.message).trim();
      resolve({ stdout, fault });
    });
  });
}

async function main(args) {
  const unknown = args.filter((arg) => arg !== '--install' && arg !== '--both');
  if (unknown.length > 0) {
    console.error(`unknown option: ${unknown[0]}. Known are --install and --both`);
    return 2;
  }
  const progress = (step) => console.error(step);
  const answer = args.includes('--both')
    ? await ensureBoth({ progress })
    : await findNatsServer({ install: args.includes('--install'), progress });
  console.log(JSON.stringify(answer));
  const parts = args.includes('--both') ? [answer.current, answer.debian] : [answer];
  return parts.some((part) => 'problem' in part) ? 1 : 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.exitCode = await main(process.argv.slice(2));
}
