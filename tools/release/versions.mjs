/** From commits to versions: which packages a release has, and what their changelogs say. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './clone.mjs';
import { plansOf } from './commits.mjs';
import { ReleaseFault } from './fault.mjs';
import { commitsSince, git } from './git.mjs';
import { releasedProjects } from './projects.mjs';

/** Names of the entries that a commit changed in the catalog of versions. */
function changedCatalogNames(root, { hash, files }) {
  if (!files.includes('pnpm-workspace.yaml')) return [];
  const diff = git(root, 'show', '--unified=0', '--format=', hash, '--', 'pnpm-workspace.yaml');
  return [...diff.matchAll(/^[+-] {2}'?([^':]+)'?: /gm)].map(([, name]) => name);
}

/** `{projects, plans}` of what came since each project's own tag; one without a tag is released as it stands. */
export function planRelease(root, tags) {
  const projects = releasedProjects(root).map((project) => ({
    ...project,
    isFirst: !tags.has(project.tagOf(project.manifest.version)),
  }));
  const commits = new Map();
  for (const { name, manifest, isFirst, tagOf } of projects) {
    if (isFirst) continue;
    for (const commit of commitsSince(root, tagOf(manifest.version))) {
      const known = commits.get(commit.hash) ?? { ...commit, newFor: [] };
      known.newFor.push(name);
      commits.set(commit.hash, known);
    }
  }
  const known = [...commits.values()].map((commit) => ({
    ...commit,
    catalogNames: changedCatalogNames(root, commit),
  }));
  return { projects, plans: plansOf(known, projects) };
}

/**
 * Writes versions and changelogs of a plan into the clone. Returns the projects whose version is new, in the order of their
 * groups: `{name, dir, from, version, tag, changelog}`; `from` is null for a first release, `changelog` the entry that was added.
 */
export async function writeVersions(dir, { projects, plans }) {
  const before = new Map(projects.map(({ name, dir: folder }) => [name, changelogAt(dir, folder)]));
  if (plans.length > 0) {
    const file = join(dir, '.nx/release-plans.json');
    writeFileSync(file, JSON.stringify(plans));
    await run(dir, 'node', ['tools/release/nx-release.mjs', file]);
    rmSync(file);
  }
  for (const project of projects) if (project.isFirst) writeFirst(dir, project);
  return releasedProjects(dir).flatMap((project) => {
    const { manifest, isFirst } = projects.find(({ name }) => name === project.name);
    const { version } = project.manifest;
    if (version === manifest.version && !isFirst) return [];
    const changelog = changelogAt(dir, project.dir);
    return {
      ...project,
      ...{ from: isFirst ? null : manifest.version, version, tag: project.tagOf(version) },
      changelog: changelog.slice(0, changelog.length - before.get(project.name).length).trim(),
    };
  });
}

const changelogPath = (dir, folder) => join(dir, folder, 'CHANGELOG.md');

function changelogAt(dir, folder) {
  const path = changelogPath(dir, folder);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/**
 * A version that no tag has is released as the manifest says it, whatever was released of what it stands on: the first one, or
 * one that somebody chose, with an entry that they wrote. @throws ReleaseFault `entry_missing`
 */
function writeFirst(dir, { name, dir: folder, manifest: { version, description } }) {
  const path = join(dir, folder, 'package.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace(/("version"\s*:\s*")[^"]*"/, `$1${version}"`));
  const changelog = changelogAt(dir, folder);
  if (new RegExp(`^## ${version.replaceAll('.', '\\.')}\\b`).test(changelog)) return;
  if (changelog !== '')
    throw new ReleaseFault(
      'entry_missing',
      `${name} ${version} was chosen by hand: begin ${folder}/CHANGELOG.md with an entry "## ${version}"`,
    );
  const date = new Date().toISOString().slice(0, 10);
  const said = `The first release. ${description} What it promises stands in its README.`;
  writeFileSync(changelogPath(dir, folder), `## ${version} (${date})\n\n${said}\n`);
}
