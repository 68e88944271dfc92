/** Letting a release out: commit and tags to a remote, tarballs to a registry. Each step looks first, so each can be done again. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { environment } from '../toolchain.mjs';
import { ReleaseFault } from './fault.mjs';
import { commitOf, git, remoteTags, tagTaken } from './git.mjs';

/** Brings what a remote has of a branch; a checkout that lacks some of it goes on to it. @throws ReleaseFault `branches_differ` */
export function followRemote(root, remote, branch) {
  git(root, 'fetch', '--quiet', remote);
  const there = commitOf(root, `refs/remotes/${remote}/${branch}`);
  if (there === null || isWithin(root, there, 'HEAD')) return;
  if (!isWithin(root, 'HEAD', there))
    throw new ReleaseFault(
      'branches_differ',
      `${branch} and ${remote}/${branch} went different ways. Where this one has a release that nobody got: git tag --delete its tags, git reset --keep ${remote}/${branch}, and release again`,
    );
  git(root, 'merge', '--quiet', '--ff-only', there);
}

const isWithin = (root, older, newer) =>
  spawnSync('git', ['merge-base', '--is-ancestor', older, newer], { cwd: root }).status === 0;

/** Pushes the commit of a release and its tags, all of them or none. Returns what the remote lacked. */
export function pushRelease(root, remote, branch, { commit, tags }) {
  const there = remoteTags(root, remote);
  for (const tag of tags) if ((there.get(tag) ?? commit) !== commit) throw tagTaken(tag, there.get(tag));
  const head = commitOf(root, `refs/remotes/${remote}/${branch}`);
  const missing = tags.filter((tag) => !there.has(tag)).map((tag) => `refs/tags/${tag}`);
  if (head === null || !isWithin(root, commit, head)) missing.unshift(`${commit}:refs/heads/${branch}`);
  if (missing.length > 0) git(root, 'push', '--quiet', '--atomic', remote, ...missing);
  return missing;
}

const pnpm = (root, words) => spawnSync('pnpm', words, { cwd: root, env: environment(), encoding: 'utf8' });

/** Hash of what a registry has under a version, null for nothing. @throws ReleaseFault `registry_failed` */
function publishedIntegrity(root, registry, { name, version }) {
  const { status, stdout, stderr } = pnpm(root, [
    'view',
    `${name}@${version}`,
    'dist.integrity',
    '--json',
    '--registry',
    registry,
  ]);
  const answer = stdout.trim() === '' ? null : JSON.parse(stdout);
  if (status === 0) return answer;
  if (['ERR_PNPM_FETCH_404', 'ERR_PNPM_PACKAGE_NOT_FOUND'].includes(answer?.error?.code)) return null;
  throw registryFailed(`${name}@${version}`, stdout, stderr);
}

const registryFailed = (what, stdout, stderr) =>
  new ReleaseFault(
    'registry_failed',
    `${what}: ${`${stderr}\n${stdout}`.trim().slice(0, 1000)}\nNothing is lost: run the same command again when the registry answers`,
  );

/**
 * Publishes packages in their order, each once: one that the registry has with the same bytes is passed over. Returns those that
 * it lacked. @throws ReleaseFault `published_differs`, `registry_failed`
 */
export function publishPackages(root, registry, folder, packages) {
  return packages.filter((one) => {
    const what = `${one.name}@${one.version}`;
    const tarball = join(folder, one.file);
    const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    const found = publishedIntegrity(root, registry, one);
    if (found === integrity) return false;
    if (found !== null)
      throw new ReleaseFault(
        'published_differs',
        `${registry} has another ${what} (${found}) than this release (${integrity}): a version has one content. Mend the package with a commit, which makes a new version`,
      );
    const { status, stdout, stderr } = pnpm(root, [
      'publish',
      tarball,
      '--registry',
      registry,
      '--no-git-checks',
      '--ignore-scripts',
    ]);
    if (status !== 0) throw registryFailed(what, stdout, stderr);
    return true;
  });
}
