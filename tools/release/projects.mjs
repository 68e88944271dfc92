/** What is released: the groups of `nx.json` with what the manifests say. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * Every project of a release group, libraries first: name, folder, manifest, whether npm gets it, and `tagOf(version)`. `catalog`
 * are the entries of the workspace's catalog that its users get.
 */
export function releasedProjects(root) {
  const manifests = globSync('{packages,apps}/*/package.json', { cwd: root }).map((path) => ({
    dir: dirname(path),
    manifest: readJson(join(root, path)),
  }));
  return Object.entries(readJson(join(root, 'nx.json')).release.groups).flatMap(([group, { projects, releaseTag }]) =>
    projects.map((name) => {
      const found = manifests.find(({ manifest }) => manifest.name === name);
      if (!found) throw new Error(`nx.json releases ${name}, which no package.json is called`);
      const { dir, manifest } = found;
      const catalog = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
      return {
        ...{ name, dir, manifest, isPublic: manifest.private !== true, isProduct: group === 'product' },
        isShip: name === 'kanade',
        catalog: catalog.filter(([, range]) => range.startsWith('catalog:')).map(([dependency]) => dependency),
        tagOf: (version) =>
          releaseTag.pattern
            .replace('{projectName}', name)
            .replace('{releaseGroupName}', group)
            .replace('{version}', version),
      };
    }),
  );
}

/** Public projects, those first that others stand on: at no moment npm has one whose dependencies it lacks. */
export function publishOrder(projects) {
  const ordered = [];
  const visit = (project) => {
    if (ordered.includes(project)) return;
    for (const name of Object.keys({ ...project.manifest.dependencies, ...project.manifest.peerDependencies })) {
      const dependency = projects.find((candidate) => candidate.name === name);
      if (dependency) visit(dependency);
    }
    ordered.push(project);
  };
  for (const project of projects) if (project.isPublic) visit(project);
  return ordered.filter(({ isPublic }) => isPublic);
}
