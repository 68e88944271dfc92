/**
 * From a commit of a release to everything that people take: tarballs for npm, executables, packages of the system, what is in
 * them, and their hashes. All of it stands in `release/<product version>`, complete or not at all.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { releasePlatformOf } from '@kanade/shared/release';
import { platforms } from '../../apps/kanade/build/executable.mjs';
import { run } from './clone.mjs';
import { ReleaseFault } from './fault.mjs';
import { writeBillOfMaterials } from './materials.mjs';
import { publishOrder, releasedProjects } from './projects.mjs';
import { signFolder } from './sign.mjs';

/** What can be made; `executable` is what system packages are made of. */
export const kinds = ['npm', 'executable', 'deb', 'rpm', 'tarball', 'sbom'];
export { platforms };

const systemKinds = ['deb', 'rpm', 'tarball'];

/** Public keys of who signs releases, where a repository has them: packages of the system bring them along. */
const releaseKeysFile = 'apps/kanade/release/release-keys.json';

/** `linux-x64-musl`, as Bun calls it → `linux-x86_64-musl`, as a manifest does. */
function platformOf(name) {
  const [system, arch, kind] = name.split('-');
  return releasePlatformOf(system, arch, { isMusl: kind === 'musl' });
}

/** Version of the product in a checkout: it names the folder of a release. */
export const productVersion = (root) => releasedProjects(root).find(({ isShip }) => isShip).manifest.version;

/** The public packages of a release, in the order in which they are published: `{name, version, dir, file}`. */
export function releasedPackages(root, tags) {
  return publishOrder(releasedProjects(root))
    .filter(({ manifest, tagOf }) => tags.includes(tagOf(manifest.version)))
    .map(({ name, dir, manifest: { version } }) => ({
      ...{ name, version, dir },
      file: `${name.replace('@', '').replace('/', '-')}-${version}.tgz`,
    }));
}

async function sha256Of(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/**
 * What a folder of a release says of itself, when it has what is wanted and all of it is there as it says; null otherwise.
 * `wanted` is `{kinds, platforms, isQuick}`; `isQuick` undefined takes either.
 */
export async function readFolder(folder, commit, wanted) {
  const path = join(folder, 'contents.json');
  if (!existsSync(path)) return null;
  const contents = JSON.parse(readFileSync(path, 'utf8'));
  const isThere = ['kinds', 'platforms'].every((field) => wanted[field].every((one) => contents[field].includes(one)));
  if (contents.commit !== commit || !isThere) return null;
  if (wanted.isQuick !== undefined && wanted.isQuick !== contents.isQuick) return null;
  for (const { name, sha256 } of contents.files) {
    const file = join(folder, name);
    if (!existsSync(file) || (await sha256Of(file)) !== sha256) return null;
  }
  return contents;
}

/** Builds what is wanted from the commit that the clone has checked out, and puts it into `folder`; resolves with its contents. */
export async function makeFolder(clone, folder, { commit, tags, seconds, wanted, keys, say }) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const version = productVersion(clone);
  const packages = releasedPackages(clone, tags);
  const site = { clone, part, version, say, commit, seconds, ...wanted };
  const made = [
    ...(wanted.kinds.includes('npm') ? await makeTarballs(site, packages) : []),
    ...(await makePrograms(site)),
    ...(wanted.kinds.includes('sbom') ? [{ name: await writeBillOfMaterials(site), kind: 'sbom' }] : []),
  ];
  const files = [];
  for (const file of made) {
    const path = join(part, file.name);
    files.push({ ...file, bytes: statSync(path).size, sha256: await sha256Of(path) });
  }
  const released_at = new Date(seconds * 1000).toISOString();
  const contents = { version, commit, released_at, tags, ...wanted, packages, files };
  writeFileSync(join(part, 'SHA256SUMS'), files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(''));
  writeFileSync(join(part, 'contents.json'), `${JSON.stringify(contents, null, 2)}\n`);
  signFolder(part, contents, keys);
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  return contents;
}

/** What npm gets of each package. */
async function makeTarballs({ clone, part, say }, packages) {
  say('building packages');
  const names = packages.map(({ name }) => name);
  await run(clone, 'nx', ['run-many', '-t', 'build', '-p', ...names, '--outputStyle=static']);
  // Commits may promise less than they changed: no library gets a version that hides a break.
  await run(clone, 'node', ['tools/api.mjs', '--since-release', ...packages.map(({ dir }) => dir)]);
  for (const { dir, file } of packages) {
    await run(clone, 'pnpm', ['pack', '--pack-destination', part], dir);
    if (!existsSync(join(part, file))) throw new ReleaseFault('step_failed', `pnpm pack made no ${file}`);
  }
  return packages.map(({ file }) => ({ name: file, kind: 'npm' }));
}

/** Executables and packages of the system, as many platforms at once as there are cores. */
async function makePrograms(site) {
  if (!site.kinds.some((kind) => kind === 'executable' || systemKinds.includes(kind))) return [];
  site.say('bundling the product');
  await run(site.clone, 'nx', ['run', 'kanade:bundle', '--outputStyle=static']);
  const made = new Map();
  const left = [...site.platforms];
  const worker = async () => {
    for (let platform = left.shift(); platform; platform = left.shift())
      made.set(platform, await makePlatform(site, platform));
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return site.platforms.flatMap((platform) => made.get(platform));
}

async function makePlatform({ clone, part, version, kinds: wanted, isQuick, say }, platform) {
  say(`building for ${platform}`);
  await run(clone, 'node', ['apps/kanade/build/executable.mjs', `--platform=${platform}`]);
  const folder = join(clone, 'apps/kanade/dist/executable', platform);
  const program = readdirSync(folder).find((name) => /^kanade(\.exe)?$/.test(name));
  const files = [];
  if (wanted.includes('executable')) {
    const name = `kanade-${version}-${platformOf(platform)}${program.slice('kanade'.length)}`;
    copyFileSync(join(folder, program), join(part, name));
    files.push({ name, kind: 'executable', platform: platformOf(platform) });
  }
  const systems = systemKinds.filter((kind) => wanted.includes(kind));
  if (systems.length === 0) return files;
  const keys = existsSync(join(clone, releaseKeysFile)) ? ['--release-keys', releaseKeysFile] : [];
  const printed = await run(clone, 'node', [
    ...['apps/kanade/release/packages.mjs', '--executable', join(folder, program), '--version', version],
    ...['--platform', platform, '--out', part, '--kinds', systems.join(), ...keys, ...(isQuick ? ['--quick'] : [])],
  ]);
  const packed = printed
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return [
    ...files,
    ...packed.map(({ kind, file }) => ({ name: basename(file), kind, platform: platformOf(platform) })),
  ];
}
