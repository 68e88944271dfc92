/**
 * Writes the documentation of the public API of the libraries as Markdown, from their sources: a page for each entry below
 * `docs/api`, which is made anew and not committed.
 *
 *   node tools/docs-api.mjs [packages/klp …]
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';
import { load } from 'typedoc-plugin-markdown';
import { libraries } from './libraries.mjs';
import { root } from './toolchain.mjs';

/** Writes the pages of a library into a directory; throws with what typedoc says when it cannot. */
export async function writeApiPages({ name, directory, manifest }, out) {
  const entries = Object.entries(manifest.exports).flatMap(([entry, { '@kanade/source': source }]) =>
    source ? [[source, name + entry.slice(1)]] : [],
  );
  const app = await Application.bootstrapWithPlugins({
    plugin: [load],
    name,
    entryPoints: entries.map(([source]) => join(directory, source)),
    outputs: [{ name: 'markdown', path: out }],
    tsconfig: join(directory, 'tsconfig.build.json'),
    readme: 'none',
    // The compiler of the repository has judged the sources; this one only reads them.
    skipErrorChecking: true,
    excludeExternals: true,
    excludeInternal: true,
    excludePrivate: true,
    disableSources: true,
    logLevel: 'Warn',
    // A library is read from top to bottom: one page for each entry.
    router: 'module',
    hideBreadcrumbs: true,
    hidePageHeader: true,
    ...Object.fromEntries(
      [
        'parameters',
        'interfaceProperties',
        'classProperties',
        'typeAliasProperties',
        'enumMembers',
        'propertyMembers',
      ].map((part) => [`${part}Format`, 'table']),
    ),
  });
  const project = await app.convert();
  if (!project) throw new Error(`typedoc cannot read ${name}: see above`);
  // Modules are known by what they are imported as, not by their files.
  const specifiers = new Map(entries.map(([source, specifier]) => [/^\.\/src\/(.*)\.ts$/.exec(source)[1], specifier]));
  for (const module of project.children) module.name = specifiers.get(module.name) ?? module.name;
  await app.generateOutputs(project);
}

async function main(folders) {
  const chosen = libraries.filter(({ directory }) => folders.length === 0 || folders.includes(resolve(directory)));
  const out = join(root, 'docs/api');
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  for (const library of chosen) await writeApiPages(library, join(out, basename(library.directory)));
  const lines = chosen.map(
    ({ name, directory, manifest }) => `- [${name}](${basename(directory)}/README.md): ${manifest.description}`,
  );
  writeFileSync(join(out, 'README.md'), `# Public API of the libraries\n\n${lines.join('\n')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main(process.argv.slice(2).map((folder) => resolve(folder)));
