/**
 * The story of a release. What was done already is read from commits, tags, the folder of the release, the remote and the registry
 * every time, so it makes no difference whether the one before came to its end:
 *
 * 1. Versions, changelogs, what these versions leave on a disk (for the tests of every later one) and the commit are made in a
 *    clone, and everything is built there: a death leaves nothing.
 * 2. The folder is complete: it has its name. No tag names it yet, so a death here makes it be made again.
 * 3. The branch goes on to the commit, which names its tags: whoever comes next makes those that are missing.
 * 4. The tags stand. From here on the release exists.
 * 5. Commit and tags are pushed, all of them or none; packages are published one by one, those that are there are passed over.
 */
import { join } from 'node:path';
import { kinds, makeFolder, platforms, productVersion, readFolder, releasedPackages } from './artefacts.mjs';
import { commitAll, openClone, run } from './clone.mjs';
import { ReleaseFault } from './fault.mjs';
import {
  commitOf,
  git,
  lastRelease,
  releasableBranch,
  releaseAt,
  releaseMessage,
  remoteTags,
  tagRelease,
  tagTaken,
} from './git.mjs';
import { followRemote, publishPackages, pushRelease } from './publish.mjs';
import { keysOf, signFolder } from './sign.mjs';
import { planRelease, writeVersions } from './versions.mjs';

export async function release(root, folder, options, say) {
  const site = siteOf(root, folder, options, say);
  if (options.at) return { made: (await ensureFolder(site, releaseAt(root, options.at), site.wanted)).path };
  site.branch = releasableBranch(root);
  if (site.push) followRemote(root, site.push, site.branch);
  if (options['dry-run']) return rehearse(site);
  const out = { released: [], tags: [], pushed: [], published: [] };
  const last = lastRelease(root);
  if (last) {
    out.tags.push(...tagRelease(root, last));
    await letOut(site, last, out);
  }
  const next = await makeNext(site);
  if (next) {
    out.released.push(...next.packages);
    out.tags.push(...tagRelease(root, next));
    await letOut(site, next, out);
  }
  if (out.released.length + out.tags.length + out.pushed.length + out.published.length === 0)
    say('nothing to release: no commit since the last one changes what ships');
  return out;
}

function siteOf(root, folder, options, say) {
  const chosen = (given, known, what) => {
    const strange = given?.filter((name) => !known.includes(name)) ?? [];
    if (strange.length > 0)
      throw new ReleaseFault('unknown_choice', `no ${what} ${strange}: there are ${known.join(', ')}`);
    return known.filter((name) => given?.includes(name) ?? true);
  };
  return {
    ...{ root, folder, say, clone: join(folder, '.work'), push: options.push, publish: options.publish },
    wanted: {
      kinds: chosen(options.kind, kinds, 'kind'),
      platforms: chosen(options.platform, platforms, 'platform'),
      isQuick: options.quick,
    },
    keys: keysOf(options.key ?? []),
  };
}

/** What is to be released, with its versions and changelogs written into the clone; null for nothing. */
async function prepare({ root, clone, say, push }) {
  const tags = new Set(git(root, 'tag', '--list').split('\n'));
  const plan = planRelease(root, tags);
  if (plan.plans.length === 0 && !plan.projects.some(({ isFirst }) => isFirst)) return null;
  say('preparing a clone');
  await openClone(root, clone, git(root, 'rev-parse', 'HEAD'), say);
  const packages = await writeVersions(clone, plan);
  const newTags = [...new Set(packages.map(({ tag }) => tag))];
  const there = push ? remoteTags(root, push) : new Map();
  for (const tag of newTags) {
    const taken = there.get(tag) ?? commitOf(root, `refs/tags/${tag}`);
    if (taken) throw tagTaken(tag, taken);
  }
  return { packages, tags: newTags };
}

/** Makes the next release: everything up to the point where the branch has it. Null when there is nothing to release. */
async function makeNext(site) {
  const { root, clone } = site;
  const prepared = await prepare(site);
  if (prepared === null) return null;
  const { packages, tags } = prepared;
  for (const { name, from, version } of packages) site.say(`${name}: ${from ?? 'first release'} -> ${version}`);
  const names = packages.map(({ name }) => name);
  await run(clone, 'node', ['--conditions=@kanade/source', 'tools/keep-state.mjs', ...names]);
  const commit = commitAll(root, clone, releaseMessage(tags));
  const next = { ...lastRelease(clone), packages: packages.map(({ name, version }) => `${name}@${version}`) };
  if (next.commit !== commit) throw new ReleaseFault('step_failed', `the commit of the release does not name its tags`);
  await ensureFolder(site, next, site.wanted);
  git(root, 'fetch', '--quiet', '--no-tags', clone, commit);
  git(root, 'merge', '--quiet', '--ff-only', commit);
  return next;
}

/** The folder of a release with what is wanted of it; made when it is not there. */
async function ensureFolder({ root, folder, clone, say, keys }, { commit, tags, seconds }, wanted) {
  const version = tags.find((tag) => tag.startsWith('product@'))?.slice('product@'.length);
  const path = join(folder, version ?? commit.slice(0, 12));
  const found = await readFolder(path, commit, wanted);
  if (found) {
    signFolder(path, found, keys);
    return { path, packages: found.packages };
  }
  if (commitOf(root, commit) !== null) await openClone(root, clone, commit, say);
  const made = await makeFolder(clone, path, { commit, tags, seconds, wanted, keys, say });
  say(`made ${path}`);
  return { path, packages: made.packages };
}

/** Pushes and publishes what a release has and the world lacks, as far as it was asked for. */
async function letOut(site, last, out) {
  if (site.push) out.pushed.push(...pushRelease(site.root, site.push, site.branch, last));
  if (!site.publish) return;
  const { path, packages } = await ensureFolder({ ...site, keys: [] }, last, { kinds: ['npm'], platforms: [] });
  const published = publishPackages(site.root, site.publish, path, packages);
  out.published.push(...published.map(({ name, version }) => `${name}@${version}`));
}

/** Says all of it, and changes nothing that anybody sees. */
async function rehearse(site) {
  const prepared = await prepare(site);
  if (prepared === null) site.say('nothing to release: no commit since the last one changes what ships');
  const { packages = [], tags = [] } = prepared ?? {};
  for (const { name, from, version, changelog } of packages)
    site.say(`\n${name}: ${from ?? 'first release'} -> ${version}\n\n${changelog.replaceAll(/^/gm, '    ')}`);
  if (prepared) site.say(`\ntags: ${tags.join(', ')}\nfiles: ${join(site.folder, productVersion(site.clone))}`);
  const files = prepared ? releasedPackages(site.clone, tags).map(({ file }) => file) : [];
  return {
    released: packages.map(({ name, version }) => `${name}@${version}`),
    ...{ tags, files, ...site.wanted, push: site.push ?? null, publish: site.publish ?? null },
  };
}
