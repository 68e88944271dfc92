/**
 * The one gate: format and lint, invariants, builds, types, unused code, tests. `pnpm check` runs it as it is; `npm test` sets
 * the machine up first. Every step counts as one test, so that nothing fails unseen.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { environment, installPackages, onPinnedNode, root, say, toolScript } from './toolchain.mjs';

/** Step → words after the Node executable. */
const steps = {
  'format and lint': ['node_modules/@biomejs/biome/bin/biome', 'ci', '.'],
  invariants: ['tools/lint-invariants.mjs'],
  'builds and types': [toolScript('nx'), 'run-many', '-t', 'build', 'typecheck', '--outputStyle=static'],
  // That the reports of the public API are true is a part of "types".
  'versions promised': ['tools/api.mjs', '--since-release'],
  // After the builds: some imports are of what they make.
  'unused code': ['node_modules/knip/bin/knip.js'],
  'words in use': ['--conditions=@kanade/source', 'tools/words-in-use.mjs'],
  // More suites at once than there are cores: each waits for its programs much of the time.
  tests: [toolScript('nx'), 'run-many', '-t', 'test', '--parallel=3', '--outputStyle=static'],
};

/** Runs every step (or those named), prints the sum, returns the exit code. */
export function gate(names = []) {
  for (const file of globSync('{packages,apps}/*/test-results.json', { cwd: root })) rmSync(join(root, file));
  rmSync(join(root, 'tools/test-results.json'), { force: true });
  let passed = 0;
  const failedSteps = [];
  const chosen = Object.entries(steps).filter(([name]) => names.length === 0 || names.includes(name));
  for (const [name, words] of chosen) {
    say(`\n== ${name}`);
    const { status } = spawnSync(process.execPath, words, { cwd: root, env: environment(), stdio: 'inherit' });
    if (status === 0) passed++;
    else failedSteps.push(name);
    say(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'}`);
  }
  const results = readResults();
  let failed = failedSteps.length;
  for (const { numPassedTests, numFailedTests, testResults } of results) {
    passed += numPassedTests;
    // A file that does not load has no test in it that could fail.
    failed +=
      numFailedTests +
      testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
  }
  saySlowest(results);
  sayFailed(failedSteps, results);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

/** The ten test files that took longest, so that a slow one is seen when it comes. */
function saySlowest(results) {
  const files = results
    .flatMap(({ testResults }) => testResults)
    .map(({ name, startTime, endTime }) => ({ name: relative(root, name), seconds: (endTime - startTime) / 1000 }))
    .sort((a, b) => b.seconds - a.seconds);
  if (files.length === 0) return;
  say('\n== slowest test files');
  for (const { name, seconds } of files.slice(0, 10)) say(`${seconds.toFixed(1).padStart(7)} s  ${name}`);
}

/** What failed, once more and at the very end, so that a report that was cut above still tells it. */
function sayFailed(stepNames, results) {
  const files = results.flatMap(({ testResults }) => testResults);
  const tests = files.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    const whole = message && failed.length === 0 ? [{ fullName: '(the whole file)', failureMessages: [message] }] : [];
    return [...whole, ...failed].map(
      ({ fullName, failureMessages }) => `${relative(root, name)} > ${fullName}: ${head(failureMessages.join(' | '))}`,
    );
  });
  const lines = [...stepNames.map((name) => `step: ${name}`), ...tests];
  if (lines.length > 0) console.log(['\n== failed', ...lines, ''].join('\n'));
}

/** The beginning of a message, in one line. */
const head = (message) => stripVTControlCharacters(message).replaceAll(/\s+/g, ' ').slice(0, 400);

function readResults() {
  return globSync('{packages/*,apps/*,tools}/test-results.json', { cwd: root }).map((file) =>
    JSON.parse(readFileSync(join(root, file), 'utf8')),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  installPackages();
  await onPinnedNode();
  process.exit(gate(process.argv.slice(2)));
}
