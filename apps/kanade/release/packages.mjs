/**
 * Makes what Linux machines install from one executable: `.deb`, `.rpm`, and `.tar.gz` with install.sh. The same bytes go in, the same bytes
 * come out. Prints kind, platform, file, size and SHA-256 of each as one JSON line.
 *
 *   node apps/kanade/release/packages.mjs --executable FILE --version 1.2.3 --platform linux-x64 --out DIR
 *     [--release-keys FILE]   public keys of who signs releases, which come with the install
 *     [--kinds deb,rpm]       default: all that the platform has
 *     [--quick]               less effort on size, for tests
 *
 * Needs dpkg-deb, rpmbuild (Debian: `rpm`), tar and gzip. Times in them are SOURCE_DATE_EPOCH, else 1980.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeDeb } from './deb.mjs';
import { makeRpm } from './rpm.mjs';
import { makeTarball } from './tarball.mjs';
import { stageInstall } from './tree.mjs';

const makers = { deb: makeDeb, rpm: makeRpm, tarball: makeTarball };

/** Platform → what is made for it: musl systems have neither dpkg nor rpm, and others than Linux install the executable itself. */
const kindsOf = {
  'linux-x64': ['deb', 'rpm', 'tarball'],
  'linux-arm64': ['deb', 'rpm', 'tarball'],
  'linux-x64-musl': ['tarball'],
};

/** 1980-01-01, the oldest time that every archive can hold. */
const defaultEpoch = 315_532_800;

/**
 * Makes the packages of one platform in `out` and resolves with `{kind, platform, file, bytes, sha256}` of each; none for a platform without
 * packages. Throws with what the tool said when one cannot be made.
 */
export async function makePackages({ executable, version, platform, out, releaseKeys, kinds, isQuick = false }) {
  if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?$/.test(version))
    throw new RangeError(`make packages of version ${version}: not a version`);
  const wanted = (kindsOf[platform] ?? []).filter((kind) => kinds?.includes(kind) ?? true);
  if (wanted.length === 0) return [];
  mkdirSync(out, { recursive: true });
  const scratch = mkdtempSync(join(tmpdir(), 'kanade-packages-'));
  const epoch = Number(process.env.SOURCE_DATE_EPOCH ?? defaultEpoch);
  const given = { version, platform, out: resolve(out), scratch, epoch, isQuick, tree: join(scratch, 'tree') };
  try {
    stageInstall({ ...given, executable, releaseKeys });
    const made = [];
    for (const kind of wanted) {
      const file = makers[kind](given);
      made.push({ kind, platform, file, bytes: statSync(file).size, sha256: await sha256Of(file) });
    }
    return made;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function sha256Of(file) {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part);
  return hash.digest('hex');
}

async function main() {
  const { values } = parseArgs({
    options: {
      executable: { type: 'string' },
      version: { type: 'string' },
      platform: { type: 'string' },
      out: { type: 'string' },
      'release-keys': { type: 'string' },
      kinds: { type: 'string' },
      quick: { type: 'boolean' },
    },
  });
  for (const name of ['executable', 'version', 'platform', 'out']) {
    if (values[name] === undefined) throw new RangeError(`${basename(process.argv[1])}: --${name} is missing`);
  }
  for (const file of [values.executable, values['release-keys']]) {
    if (file !== undefined && !existsSync(file)) throw new RangeError(`no such file: ${file}`);
  }
  const { 'release-keys': releaseKeys, kinds, quick: isQuick, ...given } = values;
  const made = await makePackages({ ...given, releaseKeys, kinds: kinds?.split(','), isQuick });
  for (const line of made) console.log(JSON.stringify(line));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
