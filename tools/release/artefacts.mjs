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
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { releasePlatformOf } from '@kanade/shared/release';
import { platforms } from '../../apps/kanade/build/executable.mjs';
import { run } from './clone.mjs';
import { ReleaseFault } from './fault.mjs';
import { writeBillOfMaterials } from './materials.mjs';
import { publishOrder, releasedProjects } from './projects.mjs';

export { platforms };

/** `linux-x64-musl`, as Bun calls it → `linux-x86_64-musl`, as a manifest does. */
function platformOf(name) {
  const [system, arch, kind] = name.split('-');
  return releasePlatformOf(system, arch, { isMusl: kind === 'musl' });
}

/** Version of the product in a checkout: it names the folder of a release. */
export const productVersion = (root) => releasedProjects(root).find(({ isShip }) => isShip).manifest.version;

/** The public packages of a release, in the order in which they are published: `{name, version, file}`. */
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

/** What a folder of a release says of itself, when all of it is there as it says; null otherwise. */
export async function readFolder(folder, commit) {
  const path = join(folder, 'release.json');
  if (!existsSync(path)) return null;
  const release = JSON.parse(readFileSync(path, 'utf8'));
  if (release.commit !== commit) return null;
  for (const { name, sha256 } of release.files) {
    const file = join(folder, name);
    if (!existsSync(file) || (await sha256Of(file)) !== sha256) return null;
  }
  return release;
}

/** Builds everything from the commit that the clone has checked out, and puts it into `folder`. */
export async function makeFolder(clone, folder, { commit, tags, seconds, onlyPlatforms, say }) {
  const part = `${folder}.part`;
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true });
  const version = productVersion(clone);
  say('building packages');
  const packages = releasedPackages(clone, tags);
  run(clone, 'nx', ['run-many', '-t', 'build', '-p', ...packages.map(({ name }) => name), '--outputStyle=static']);
  // Commits may promise less than they changed: no library gets a version that hides a break.
  run(clone, 'node', ['tools/api.mjs', '--since-release', ...packages.map(({ dir }) => dir)]);
  for (const { dir, file } of packages) {
    run(clone, 'pnpm', ['pack', '--pack-destination', part], dir);
    if (!existsSync(join(part, file))) throw new ReleaseFault('step_failed', `pnpm pack made no ${file}`);
  }
  const kinds = new Map(packages.map(({ file }) => [file, { kind: 'npm' }]));
  for (const platform of onlyPlatforms) {
    say(`building the executable for ${platform}`);
    kinds.set(...makeExecutable(clone, part, version, platform));
  }
  kinds.set(writeBillOfMaterials(clone, part, { version, commit, seconds }), { kind: 'sbom' });
  const files = await Promise.all(
    [...kinds].map(async ([name, kind]) => ({
      ...{ name, ...kind, bytes: statSync(join(part, name)).size },
      sha256: await sha256Of(join(part, name)),
    })),
  );
  const released_at = new Date(seconds * 1000).toISOString();
  writeFileSync(join(part, 'SHA256SUMS'), files.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(''));
  writeFileSync(
    join(part, 'release.json'),
    `${JSON.stringify({ version, commit, released_at, tags, packages, files }, null, 2)}\n`,
  );
  rmSync(folder, { recursive: true, force: true });
  renameSync(part, folder);
  return packages;
}

/** Compiles for one platform; returns name and kind of the file. */
function makeExecutable(clone, part, version, platform) {
  run(clone, 'nx', ['run', 'kanade:bundle', '--outputStyle=static']);
  run(clone, 'node', ['apps/kanade/build/executable.mjs', `--platform=${platform}`]);
  const folder = join(clone, 'apps/kanade/dist/executable', platform);
  const made = readdirSync(folder).find((name) => /^kanade(\.exe)?$/.test(name));
  const name = `kanade-${version}-${platformOf(platform)}${made.slice('kanade'.length)}`;
  copyFileSync(join(folder, made), join(part, name));
  return [name, { kind: 'executable', platform: platformOf(platform) }];
}
