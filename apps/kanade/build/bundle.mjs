/**
 * Bundles the product: one CommonJS file per program in `dist/bundle`. `main.cjs` holds the command line, whose start-up
 * is most of every local call; what it loads on demand are files of their own beside it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { pagePlugin } from '../../client-app/build-page.mjs';

const here = dirname(fileURLToPath(import.meta.url));
export const bundleDir = join(here, '../dist/bundle');
const { version } = JSON.parse(readFileSync(join(here, '../package.json'), 'utf8'));

/** What is loaded on demand: import specifier → file name and source. */
const onDemand = {
  '@kanade/agent': { file: 'agent', source: '../../packages/agent/src/index.ts' },
  '@kanade/client-app': { file: 'client', source: '../client-app/src/main.ts' },
  './fleet/main.ts': { file: 'fleet', source: '../cli/src/fleet/main.ts' },
  './outbox/main.ts': { file: 'outbox', source: '../cli/src/outbox/main.ts' },
  './config-file.ts': { file: 'config-file', source: '../cli/src/config-file.ts' },
  './yaml-output.ts': { file: 'yaml-output', source: '../cli/src/yaml-output.ts' },
  './accompany.ts': { file: 'accompany', source: '../cli/src/accompany.ts' },
  './command-group.ts': { file: 'command-group', source: '../cli/src/command-group.ts' },
  './complete.ts': { file: 'complete', source: '../cli/src/complete.ts' },
  '../complete.ts': { file: 'complete', source: '../cli/src/complete.ts' },
  './examine.ts': { file: 'doctor', source: '../cli/src/commands/examine.ts' },
  './human-output.ts': { file: 'human-output', source: '../cli/src/human-output.ts' },
  './legacy-gc.ts': { file: 'legacy-gc', source: '../cli/src/commands/legacy-gc.ts' },
  './legacy-output.ts': { file: 'legacy-output', source: '../cli/src/legacy-output.ts' },
  './schema-document.ts': { file: 'schema', source: '../cli/src/commands/schema-document.ts' },
  './skill-files.ts': { file: 'skill', source: '../cli/src/commands/skill-files.ts' },
  './watch-job.ts': { file: 'watch', source: '../cli/src/commands/watch-job.ts' },
};

/** Leaves dynamic imports of the files above to the runtime, as a `require` of the file beside. */
const splitOnDemand = {
  name: 'split-on-demand',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ kind, path }) => {
      if (kind !== 'dynamic-import' || !Object.hasOwn(onDemand, path)) return undefined;
      return { path: `./${onDemand[path].file}.cjs`, external: true };
    });
  },
};

export async function bundle() {
  rmSync(bundleDir, { recursive: true, force: true });
  const entries = { main: '../src/main.ts' };
  for (const { file, source } of Object.values(onDemand)) entries[file] = join('..', source);
  const { errors } = await build({
    entryPoints: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, join(here, source)])),
    outdir: bundleDir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    minify: true,
    legalComments: 'none',
    conditions: ['@kanade/source'],
    define: { KANADE_VERSION: JSON.stringify(version) },
    external: ['koffi', 'bun:ffi'],
    plugins: [splitOnDemand, pagePlugin()],
    // Each file that asks where it is has an answer for CommonJS too.
    logOverride: { 'empty-import-meta': 'silent' },
    logLevel: 'warning',
  });
  if (errors.length > 0) throw new Error(`bundling failed with ${errors.length} errors`);
  const main = join(bundleDir, 'main.cjs');
  writeFileSync(main, requiredOnce(readFileSync(main, 'utf8')));
}

/** Every source file requires for itself; each of these calls costs microseconds at start-up, all of them a third of a millisecond. */
function requiredOnce(text) {
  const names = [...new Set(text.match(/require\("node:\w+"\)/g))];
  const variable = (name) => `__${/\w+(?="\)$)/.exec(name)}`;
  const body = names.reduce((rest, name) => rest.replaceAll(name, variable(name)), text);
  return body.replace(
    '"use strict";',
    `"use strict";var ${names.map((name) => `${variable(name)}=${name}`).join(',')};`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
