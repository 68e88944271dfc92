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

/** What is loaded on demand: file name → source. */
const onDemand = {
  agent: '../../packages/agent/src/index.ts',
  'agent-config-file': '../../packages/agent/src/config/document.ts',
  'agent-enrol': '../../packages/agent/src/enrol/enrol.ts',
  client: '../client-app/src/main.ts',
  advice: '../cli/src/call/advice.ts',
  accompany: '../cli/src/call/accompany.ts',
  complete: '../cli/src/call/complete.ts',
  compress: '../cli/src/compress/answer.ts',
  'config-file': '../cli/src/local/config-file.ts',
  doctor: '../cli/src/local/examine.ts',
  'doctor-agents': '../cli/src/local/examine-agents.ts',
  'doctor-file': '../cli/src/local/examine-agent-file.ts',
  'exit-code': '../cli/src/answer/exit-code.ts',
  fleet: '../cli/src/commands/fleet/library.ts',
  'fleet-keys': '../cli/src/commands/fleet/key/library.ts',
  'fleet-enrol': '../cli/src/commands/fleet/enrol/library.ts',
  'fleet-door': '../cli/src/commands/fleet/door.ts',
  'fleet-releases': '../cli/src/commands/fleet/agent/library.ts',
  help: '../cli/src/call/help.ts',
  human: '../cli/src/answer/human.ts',
  legacy: '../cli/src/answer/legacy.ts',
  'legacy-gc': '../cli/src/local/legacy-gc.ts',
  lock: '../../packages/durable/src/lock.ts',
  mcp: '../cli/src/mcp/open.ts',
  outbox: '../cli/src/commands/outbox/open.ts',
  'outbox-door': '../cli/src/commands/outbox/door.ts',
  'release-key-door': '../cli/src/commands/release-key/door.ts',
  'release-keys': '../cli/src/commands/release-key/library.ts',
  reader: '../cli/src/local/reader.ts',
  schema: '../cli/src/local/schema-document.ts',
  serve: '../cli/src/serve/serve.ts',
  skill: '../cli/src/local/skill-files.ts',
  'self-update': '../cli/src/local/update-program.ts',
  'start-pages': 'src/start-pages.ts',
  watch: '../cli/src/local/watch-job.ts',
  yaml: '../cli/src/answer/yaml.ts',
};

const sourceOf = (file) => join(here, '..', onDemand[file]);

/** The same by what a dynamic import names: a package, or the source itself. */
const fileOf = new Map([
  ['@kanade/agent', 'agent'],
  ['@kanade/client-app', 'client'],
  ['@kanade/durable/lock', 'lock'],
  ...Object.keys(onDemand).map((file) => [sourceOf(file), file]),
]);

/** Leaves dynamic imports of the files above to the runtime, as a `require` of the file beside. */
const splitOnDemand = {
  name: 'split-on-demand',
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const file = fileOf.get(path.startsWith('.') ? join(resolveDir, path) : path);
      if (file !== undefined) return { path: `./${file}.cjs`, external: true };
      // Bundled in, it would be part of every start: seen once, as five milliseconds of each call.
      const isOurs = path.startsWith('.') && /\/apps\/(cli|kanade)\//.test(resolveDir);
      return isOurs ? { errors: [{ text: `${path} is loaded on demand: name it in onDemand` }] } : undefined;
    });
  },
};

/** `as` builds another version than that of the package, for tests of what one version makes of another; `dir`: where to. */
export async function bundle({ as = version, dir = bundleDir } = {}) {
  rmSync(dir, { recursive: true, force: true });
  const entries = { main: join(here, '../src/main.ts') };
  for (const file of Object.keys(onDemand)) entries[file] = sourceOf(file);
  const { errors } = await build({
    entryPoints: entries,
    outdir: dir,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node24',
    minify: true,
    legalComments: 'none',
    conditions: ['@kanade/source'],
    define: { KANADE_VERSION: JSON.stringify(as) },
    external: ['koffi', 'bun:ffi'],
    alias: { '@modelcontextprotocol/server/_shims': join(here, 'mcp-shims.mjs') },
    plugins: [splitOnDemand, pagePlugin()],
    // Each file that asks where it is has an answer for CommonJS too.
    logOverride: { 'empty-import-meta': 'silent' },
    logLevel: 'warning',
  });
  if (errors.length > 0) throw new Error(`bundling failed with ${errors.length} errors`);
  const main = join(dir, 'main.cjs');
  writeFileSync(main, requiredOnce(readFileSync(main, 'utf8')));
}

/** What every call may load of the runtime. Each further module costs it: `node:util` a millisecond, `node:tty` three. */
const ofStart = ['node:fs', 'node:path'];

/** Every source file requires for itself; each of these calls costs microseconds at start-up, all of them a third of a millisecond. */
function requiredOnce(text) {
  const names = [...new Set(text.match(/require\("node:[\w/]+"\)/g))];
  const heavy = names.filter((name) => !ofStart.some((module) => name.includes(`"${module}"`)));
  if (heavy.length > 0)
    throw new Error(
      `${heavy.join(', ')} would be part of every start: load it where it is needed, with process.getBuiltinModule`,
    );
  const variable = (name) => `__${/\w+(?="\)$)/.exec(name)}`;
  const body = names.reduce((rest, name) => rest.replaceAll(name, variable(name)), text);
  return body.replace(
    '"use strict";',
    `"use strict";var ${names.map((name) => `${variable(name)}=${name}`).join(',')};`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle();
