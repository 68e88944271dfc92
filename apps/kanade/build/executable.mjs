/**
 * Compiles the bundle into one executable per platform in `dist/executable/<platform>`, with links by which it is
 * called, and prints name, size and SHA-256 of each as one JSON line. `--all` makes every platform, `--platform=NAME` one; the
 * default is this one.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, bundleDir } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const outDir = join(here, '../dist/executable');
export const platforms = ['linux-x64', 'linux-arm64', 'linux-x64-musl', 'darwin-arm64', 'windows-x64'];
const links = ['agent-exec', 'kanade-agent', 'kanade-client'];

/** The Bun that the lockfile pinned for this machine. */
export function bunPath() {
  const arch = process.arch === 'arm64' ? 'aarch64' : process.arch;
  const path = join(here, `../../../node_modules/@oven/bun-${process.platform}-${arch}/bin/bun`);
  if (!existsSync(path))
    throw new Error(`no Bun for ${process.platform}-${arch} in node_modules: run pnpm install on a supported platform`);
  return path;
}

/** Where a file of the bundle believes it is: Bun would write the directory in which it was built into what ships, other bytes in each. */
const place = ['--define', '__filename="/kanade/main.cjs"', '--define', '__dirname="/kanade"'];

/** Compiles one CommonJS file. Without the two autoload flags the result would obey files of whatever directory it is called in. */
export function compile(source, outfile, platform, pace) {
  const ready = pace === 'quick' ? [] : ['--minify', '--bytecode'];
  const flags = ['--compile', ...ready, ...place, '--no-compile-autoload-dotenv', '--no-compile-autoload-bunfig'];
  const target = platform ? [`--target=bun-${platform}`] : [];
  execFileSync(bunPath(), ['build', ...flags, ...target, '--external', 'koffi', source, '--outfile', outfile], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

function make(platform) {
  const dir = join(outDir, platform);
  const windows = platform.startsWith('windows');
  const file = join(dir, windows ? 'kanade.exe' : 'kanade');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
  compile(join(bundleDir, 'main.cjs'), file, platform === hostPlatform() ? undefined : platform);
  if (!windows) for (const link of links) symlinkSync('kanade', join(dir, link));
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  console.log(JSON.stringify({ platform, file: file.slice(outDir.length + 1), bytes: statSync(file).size, sha256 }));
}

/**
 * The program of this platform as other versions, for tests of what one makes of another: version → file. `quick`: each in a moment, at
 * the price of a slower start.
 */
export async function compileVersions(files, pace = 'quick') {
  const [[first, file]] = Object.entries(files);
  const dir = `${file}-bundle`;
  await bundle({ as: first, dir });
  let now = first;
  for (const [version, outfile] of Object.entries(files)) {
    for (const name of readdirSync(dir)) {
      const text = readFileSync(join(dir, name), 'utf8');
      writeFileSync(join(dir, name), text.replaceAll(JSON.stringify(now), JSON.stringify(version)));
    }
    compile(join(dir, 'main.cjs'), outfile, undefined, pace);
    now = version;
  }
  rmSync(dir, { recursive: true });
}

export const hostPlatform = () => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!existsSync(join(bundleDir, 'main.cjs'))) await bundle();
  const named = process.argv.flatMap((word) => word.match(/^--platform=(.+)$/)?.[1] ?? []);
  for (const platform of process.argv.includes('--all') ? platforms : named.length > 0 ? named : [hostPlatform()])
    make(platform);
}
