/**
 * A real process is killed behind every named step of an installation, and at every call that renames a file, in an
 * installation, in a roll-back and where a version becomes healthy. Afterwards either version runs, never none, and the next update comes
 * through.
 */
import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runtimeWords, tempDir } from '@kanade/testkit';
import { beginStart, markHealthy } from '@kanade/update/boot';
import { expect, it } from 'vitest';
import { install, nowMs, partsOf, platform } from './place.ts';

const live = join(import.meta.dirname, 'programs/live.ts');
const calls = 'rename,link,linkat,unlink';
const traced = ['-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`];
/** strace is Linux's, and not allowed everywhere; what it shows is the order of our own steps, which is everybody's. */
const canTrace = spawnSync('strace', [...traced, '-e', 'inject=unlink:error=EIO:when=1', 'true']).status === 0;

/** Without the cache of what Node has compiled, which makes and renames files, too. */
const untouched = { ...process.env, NODE_COMPILE_CACHE: undefined };

/** What a process said before it was killed, or came to its end. */
async function run(words: readonly string[], env = process.env): Promise<string[]> {
  const [command = '', ...args] = words;
  const { stdout } = await promisify(execFile)(command, args, { env }).catch((error) => error as { stdout: string });
  return stdout.trimEnd().split('\n');
}

function prepare(root: string) {
  const place = install(root);
  const release = place.release();
  const placePath = join(root, 'place.json');
  const facts = { ...place.start, keysFile: join(root, 'release-keys.json'), platform, nowMs };
  writeFileSync(
    placePath,
    JSON.stringify({ ...facts, envelope: release.envelope, bytes: release.bytes.toString('base64') }),
  );
  return {
    ...place,
    words: (version: string, act: string, end = '') => [...runtimeWords('node'), live, placePath, version, act, end],
  };
}
type Place = ReturnType<typeof prepare>;

/** The version that really starts. */
const started = (place: Place): string | undefined =>
  /app (\S+)/.exec(spawnSync(place.program, ['--version'], { encoding: 'utf8' }).stdout)?.[1];

/** Starts what is there, as a service manager does, until it stays; then updates once more. */
async function settle(place: Place, isHealthy: boolean): Promise<string | undefined> {
  let version: string | undefined;
  for (let starts = 0; starts < 9; starts++) {
    version = started(place);
    if (version === undefined) return undefined;
    if (beginStart({ ...place.start, version }).kind === 'restart') continue;
    if (version === '1.0.0' || isHealthy) break;
  }
  if (version === '1.2.0') markHealthy({ ...place.start, version });
  expect(place.beside()).toEqual(['app']);
  const later = place.release({ version: '1.4.0', released_at: '2026-11-09T00:00:00Z' });
  const updates = place.open({ version: version ?? '' });
  await updates.install(updates.accept(later.envelope), { bytes: partsOf(later.bytes) });
  expect(started(place)).toBe('1.4.0');
  return version;
}

it.concurrent.each(['accepted', 'received', 'staged', 'tried', 'noted', 'kept', 'exchanged'])(
  'killed behind "%s"',
  async (step) => {
    await using root = await tempDir();
    const place = prepare(root.path);
    const said = await run(place.words('1.0.0', 'install', step));
    expect(said.at(-1)).toBe(step);
    expect(await settle(place, true)).toBe(step === 'exchanged' ? '1.2.0' : '1.0.0');
  },
);

/** Kills at the first, second, … call of a kind until there is none any more; what was said by then, per kill. */
async function killAtEach(
  call: string,
  act: (root: string) => Promise<{ place: Place; words: string[]; healthy: boolean }>,
) {
  const outcomes: string[] = [];
  for (let count = 1; ; count++) {
    await using root = await tempDir();
    const { place, words, healthy } = await act(root.path);
    const said = await run(
      ['strace', ...traced, '-e', `inject=${call}:signal=SIGKILL:when=${count}`, ...words],
      untouched,
    );
    const isOver = said.at(-1) === 'over';
    const version = await settle(place, healthy);
    expect(version, `${call} ${count}: ${said.join(' ')}`).toMatch(/^1\.[02]\.0$/);
    if (isOver) return outcomes;
    outcomes.push(`${said.at(-1)}: ${version}`);
  }
}

it.each(canTrace ? ['rename'] : [])('an installation that is killed at any %s', async (call) => {
  const outcomes = await killAtEach(call, async (root) => {
    const place = prepare(root);
    return { place, words: place.words('1.0.0', 'install'), healthy: true };
  });
  // The memory, the trial, the second name of the old one, the exchange itself: it is done when the call returns.
  expect(outcomes).toEqual([': 1.0.0', 'tried: 1.0.0', 'noted: 1.0.0', 'kept: 1.0.0']);
});

const onTrial = async (root: string) => {
  const place = prepare(root);
  const { envelope, bytes } = JSON.parse(readFileSync(join(root, 'place.json'), 'utf8'));
  const updates = place.open();
  await updates.install(updates.accept(envelope), { bytes: partsOf(Buffer.from(bytes, 'base64'), 1_000) });
  return place;
};

it.each(canTrace ? ['rename'] : [])('a roll-back that is killed at any %s', async (call) => {
  const outcomes = await killAtEach(call, async (root) => {
    const place = await onTrial(root);
    for (let start = 0; start < 3; start++) beginStart({ ...place.start, version: '1.2.0' });
    return { place, words: place.words('1.2.0', 'begin'), healthy: false };
  });
  expect(outcomes).toEqual([': 1.0.0', ': 1.0.0']);
});
