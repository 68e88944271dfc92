import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { environment, root, toolScript } from '../toolchain.mjs';

/** Runs Nx from outside of the run that we are part of. */
function nx(...args: string[]) {
  const env = Object.fromEntries(Object.entries(environment()).filter(([name]) => !/^NX_(?!DAEMON|TUI)/.test(name)));
  const { status, stdout, stderr } = spawnSync(process.execPath, [toolScript('nx'), ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
  return { status, text: `${stdout}${stderr}` };
}

/** Projects whose tests run when a file changes. */
async function testedAfter(file: string): Promise<string[]> {
  await using dir = await tempDir();
  const graph = `${dir.path}/graph.json`;
  nx('affected', '-t', 'test', `--files=${file}`, `--graph=${graph}`);
  const { tasks } = JSON.parse(readFileSync(graph, 'utf8')) as { tasks: { tasks: Record<string, unknown> } };
  return Object.keys(tasks.tasks)
    .filter((task) => task.endsWith(':test'))
    .sort();
}

it('a change of outbox runs the tests of outbox and of what stands on it, not those of klp', async () => {
  expect(await testedAfter('packages/outbox/src/index.ts')).toEqual([
    '@kanade/agent:test',
    '@kanade/cli:test',
    '@kanade/outbox:test',
    '@kanade/tools:test',
    'kanade:test',
  ]);
});

it('a change of shared reaches everything that speaks its words, and neither outbox nor klp', async () => {
  const tested = await testedAfter('packages/shared/src/fleet.ts');
  expect(tested).toContain('@kanade/runner:test');
  expect(tested).not.toContain('@kanade/outbox:test');
  expect(tested).not.toContain('@kanade/klp:test');
});

it('a second build comes from the cache', () => {
  expect(nx('run', '@kanade/outbox:build').status).toBe(0);
  expect(nx('run', '@kanade/outbox:build').text).toContain(
    'Nx read the output from the cache instead of running the command',
  );
});

it('no private key is in the tree', () => {
  // Seeds of NKeys, and the body of a PEM file; the names of both may be spoken of.
  const seed = 'S[UAONC][A-Z2-7]{56}';
  const pem = '^(MC4CAQAwBQYDK2Vw|MII[A-Za-z0-9+/]{40})';
  const { status, stdout } = spawnSync('git', ['grep', '-lEI', `${seed}|${pem}`], { cwd: root, encoding: 'utf8' });
  expect([status, stdout]).toEqual([1, '']);
});
