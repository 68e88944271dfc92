/**
 * The arrows and invariants of the architecture as lint errors, over imports and package.json files. Exits 1 with one
 * line per violation; an argument limits it to one folder. `checkFiles` takes texts, so that a test can plant violations.
 */

import { fileURLToPath } from 'node:url';
import { checkShape } from './shape.mjs';
import { isTestFile, sourceFiles } from './source-files.mjs';

/** Project → what it may import besides itself and node built-ins. `devOnly` may stand in tests. */
const arrows = {
  'packages/shared': ['zod'],
  'packages/durable': [],
  'packages/outbox': ['@kanade/durable'],
  'packages/klp': ['koffi', 'bun:ffi'],
  'packages/runner': ['@kanade/shared', '@kanade/durable'],
  'packages/update': ['@kanade/shared/release', '@kanade/durable/files', '@kanade/durable/lock'],
  'packages/fleet': ['@kanade/shared', '@kanade/durable/files', '@nats-io/*', 'yaml', 'zod'],
  'packages/agent': [
    '@kanade/shared',
    '@kanade/durable',
    '@kanade/outbox',
    '@kanade/klp',
    '@kanade/runner',
    '@kanade/fleet/connection',
    '@kanade/fleet/enrol',
    '@kanade/fleet/objects',
    '@kanade/fleet/support',
    '@kanade/fleet/topology',
    '@kanade/update',
    '@nats-io/*',
    'pino',
    'smol-toml',
    'yaml',
    'zod',
  ],
  'packages/testkit': ['dbus-next', 'koffi', 'playwright-core'],
  'apps/cli': [
    '@kanade/shared',
    '@kanade/durable',
    '@kanade/outbox',
    '@kanade/runner',
    '@kanade/fleet',
    '@kanade/update',
    '@modelcontextprotocol/server',
    'smol-toml',
    'yaml',
  ],
  'apps/client-app': ['@kanade/shared', '@kanade/klp', 'preact', 'preact/*', '#page'],
  'apps/kanade': ['@kanade/cli', '@kanade/agent', '@kanade/client-app'],
};

/** Rules on single modules: who may import or call what. */
const rules = [
  {
    name: 'I1 @nats-io only in fleet and agent/src/fleet',
    pattern: /from '@nats-io\//,
    only: /^packages\/(fleet\/|agent\/src\/fleet\/|agent\/test\/|testkit\/)/,
  },
  {
    name: 'I1 no node builtin in shared',
    pattern: /from 'node:|getBuiltinModule/,
    never: /^packages\/shared\/src\/(?!.*\.test\.)/,
  },
  {
    name: 'I2 one place spawns',
    pattern: /node:child_process|\bBun\.spawn|getBuiltinModule\('node:child_process'\)/,
    only: /^packages\/(runner\/src\/process\/(spawn|identity)\.ts|update\/src\/swap\/try-program\.ts|testkit\/)|\.test\.ts$|\/test\/|^apps\/client-app\/src\/desktop\/open-browser\.ts$/,
  },
  {
    name: 'I2 one place signals',
    pattern: /process\.kill\(/,
    only: /^packages\/runner\/src\/process\/send-signal\.ts$|\.test\.ts$|\/test\/|^packages\/testkit\//,
  },
  {
    name: 'I8 libraries do not log',
    pattern: /\bconsole\.|from 'pino'/,
    never: /^packages\/(shared|durable|outbox|klp|runner|fleet|update)\/src\/(?!.*\.test\.)/,
  },
  {
    name: 'I8 libraries read no environment',
    pattern: /process\.env\b/,
    never: /^packages\/(shared|durable|outbox|klp|fleet|update)\/src\/(?!bin\.ts|.*\.test\.)/,
  },
  {
    name: "SQLite's words only in durable",
    pattern: /node:sqlite|DatabaseSync|\bPRAGMA\b|\bBEGIN (IMMEDIATE|EXCLUSIVE)\b|errcode\b/,
    only: /^packages\/durable\/src\/|\.test\.ts$|\/test\/|^packages\/testkit\//,
  },
  {
    name: 'I6 one writer of stdout',
    pattern: /process\.stdout|writeSync\(1\b/,
    never: /^(apps|packages)\/(?!testkit)[^/]+\/src\/(?!bin\.ts|io\.ts|.*\.test\.)/,
  },
];

/** Violations in the given files: `[{ path, text }]` → lines for people. */
export function checkFiles(files) {
  return files.flatMap(({ path, text }) => [...checkArrows(path, text), ...checkRules(path, text)]);
}

function checkArrows(path, text) {
  const project = path.split('/').slice(0, 2).join('/');
  const allowed = arrows[project];
  if (!allowed || isTestFile(path) || !path.includes('/src/')) return [];
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'([^'.\n][^'\n]*)'/g)].map((match) => match[1]);
  return specifiers
    .filter((name) => !name.startsWith('node:') && !allowed.some((rule) => matches(rule, name)))
    .map((name) => `${path}: ${project} may not import ${name}`);
}

function matches(rule, name) {
  if (rule.endsWith('/*')) return name.startsWith(rule.slice(0, -1));
  return name === rule || (rule.split('/').length <= 2 && name.startsWith(`${rule}/`));
}

function checkRules(path, text) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  return rules
    .filter(({ pattern }) => pattern.test(code))
    .filter(({ only, never }) => (only ? !only.test(path) : never.test(path)))
    .filter(() => !path.startsWith('tools/'))
    .map(({ name }) => `${path}: ${name}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const below = process.argv[2] ?? '';
  const files = sourceFiles();
  // The shape is one of the whole house: a folder alone tells nothing about twins.
  const shape = below === '' ? checkShape(files) : [];
  const violations = [...checkFiles(files.filter(({ path }) => path.startsWith(below))), ...shape];
  for (const line of violations) console.error(line);
  process.exit(violations.length === 0 ? 0 : 1);
}
