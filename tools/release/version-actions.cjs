/**
 * How `nx release` reads and writes versions here: the one in package.json. Dependencies between packages are all
 * `workspace:^`; packing rewrites them, so nothing else changes with a release.
 */
const { VersionActions } = require('nx/release');

const kinds = ['dependencies', 'devDependencies', 'peerDependencies', 'optionalDependencies'];
const readManifest = (tree, path) => JSON.parse(tree.read(path, 'utf-8'));

class WorkspaceVersionActions extends VersionActions {
  validManifestFilenames = ['package.json'];

  get manifestPath() {
    return `${this.projectGraphNode.data.root}/package.json`;
  }

  async readCurrentVersionFromSourceManifest(tree) {
    return { manifestPath: this.manifestPath, currentVersion: readManifest(tree, this.manifestPath).version };
  }

  async readCurrentVersionFromRegistry() {
    return null; // the repository is the only source of versions
  }

  async readCurrentVersionOfDependency(tree, graph, dependency) {
    const manifest = readManifest(tree, this.manifestPath);
    const name = graph.nodes[dependency]?.data.metadata?.js?.packageName ?? dependency;
    const kind = kinds.find((candidate) => manifest[candidate]?.[name]);
    return { currentVersion: kind ? manifest[kind][name] : null, dependencyCollection: kind ?? null };
  }

  async updateProjectVersion(tree, version) {
    return this.manifestsToUpdate.map(({ manifestPath }) => {
      const text = tree.read(manifestPath, 'utf-8');
      tree.write(manifestPath, text.replace(/("version"\s*:\s*")[^"]*"/, `$1${version}"`));
      return `New version ${version} written to ${manifestPath}`;
    });
  }

  async updateProjectDependencies() {
    return [];
  }
}

exports.default = WorkspaceVersionActions;
