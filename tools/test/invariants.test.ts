import { expect, it } from 'vitest';
import { checkFiles } from '../lint-invariants.mjs';
import { checkShape } from '../shape.mjs';
import { sourceFiles } from '../source-files.mjs';

it('the tree keeps every arrow and invariant', () => {
  expect(sourceFiles().length).toBeGreaterThan(50);
  expect(checkFiles(sourceFiles())).toEqual([]);
  expect(checkShape(sourceFiles())).toEqual([]);
});

it.each([
  ['packages/klp/src/x.ts', "import { Command } from '@kanade/shared/fleet';", 'may not import @kanade/shared/fleet'],
  ['packages/outbox/src/x.ts', "import * as z from 'zod';", 'may not import zod'],
  ['packages/shared/src/fleet/x.ts', "import { readFileSync } from 'node:fs';", 'I1 no node builtin in shared'],
  ['packages/agent/src/run/x.ts', "import { connect } from '@nats-io/transport-node';", 'I1 @nats-io only in fleet'],
  ['packages/agent/src/run/x.ts', "import { exec } from '@kanade/fleet';", 'may not import @kanade/fleet'],
  ['apps/cli/src/x.ts', "const agent = await import('@kanade/agent');", 'may not import @kanade/agent'],
  ['apps/client-app/src/x.ts', "import { launchJob } from '@kanade/runner';", 'may not import @kanade/runner'],
  ['packages/agent/src/run/x.ts', "import { spawn } from 'node:child_process';", 'I2 one place spawns'],
  ['packages/runner/src/job/x.ts', "process.kill(pid, 'SIGTERM');", 'I2 one place signals'],
  ['apps/cli/src/x.ts', "process.stdout.write('x');", 'I6 one writer of stdout'],
  ['packages/klp/src/x.ts', 'const path = process.env.HOME;', 'I8 libraries read no environment'],
  ['packages/outbox/src/x.ts', "database.exec('PRAGMA user_version');", "SQLite's words only in durable"],
])('%s with %j is a violation', (path, text, expected) => {
  expect(checkFiles([{ path, text }]).join('\n')).toContain(expected);
});

it('words in comments are no violation', () => {
  expect(checkFiles([{ path: 'packages/klp/src/x.ts', text: '// process.env is not read here\n' }])).toEqual([]);
});

const none = { functions: {}, files: {}, folders: {}, names: {} };
const at = (path: string, text: string) => ({ path: `packages/klp/src/${path}`, text });

it.each([
  ['a circle', [at('a.ts', "import { b } from './b.ts';"), at('b.ts', "export { a } from './a.ts';")], 'import circle'],
  ['a circle of types', [at('a.ts', "import type { A } from './a.ts';")], 'import circle'],
  ['a long function', [at('a.ts', `const f = () => {\n${'f();\n'.repeat(60)}};\n`)], 'a.ts:f (line 1) has 62 lines'],
  ['a long file', [at('a.ts', '\n'.repeat(301))], 'has 301 lines'],
  ['a flat folder', Array.from({ length: 21 }, (_, n) => at(`f/${n}.ts`, '')), 'f has 21 files'],
  ['one name twice', [at('a.ts', 'export const x = 1;'), at('b.ts', 'export type x = 1;')], 'x is exported by 2 files'],
])('%s is a violation of shape', (_, files, expected) => {
  expect(checkShape(files, none).join('\n')).toContain(expected);
});

it('an exception excuses what it names, and is a violation when it names nothing', () => {
  const long = [at('a.ts', '\n'.repeat(301))];
  expect(checkShape(long, { ...none, files: { 'packages/klp/src/a.ts': 'a table' } })).toEqual([]);
  expect(checkShape([], { ...none, names: { main: 'programs' } }).join('\n')).toContain('no longer needed');
});

it('a name that is exported again from its own package is no second thing', () => {
  const files = [at('a.ts', 'export const x = 1;'), at('index.ts', "export { x } from './a.ts';")];
  expect(checkShape(files, none)).toEqual([]);
});
