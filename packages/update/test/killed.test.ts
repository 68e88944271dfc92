/**
 * A real process is killed behind every named step of an installation, and at every call that renames a file, in an installation and in
 * a roll-back; `pnpm bench update:killed` kills anywhere. Afterwards either version runs, never none, and the next update comes through.
 */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { tempDir } from '@kanade/testkit';
import { beginStart } from '@kanade/update/boot';
import { expect, it } from 'vitest';
import { onTrial, type Place, prepare, settle } from './lives.ts';

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
  expect(outcomes).toEqual(['begun: 1.0.0', 'tried: 1.0.0', 'noted: 1.0.0', 'kept: 1.0.0']);
});

it.each(canTrace ? ['rename'] : [])('a roll-back that is killed at any %s', async (call) => {
  const outcomes = await killAtEach(call, async (root) => {
    const place = await onTrial(root);
    for (let start = 0; start < 3; start++) beginStart({ ...place.start, version: '1.2.0' });
    return { place, words: place.words('1.2.0', 'begin'), healthy: false };
  });
  expect(outcomes).toEqual(['begun: 1.0.0', 'begun: 1.0.0', 'begun: 1.0.0']);
});
