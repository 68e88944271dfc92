import { type ChildProcess, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { tempDir } from '@kanade/testkit';
import { expect, it, onTestFinished } from 'vitest';
import { identify, type ProcessIdentity } from '../src/process/identity.ts';
import { survivorsOf } from '../src/process/survivors.ts';
import { type TreeTarget, treeVariable } from '../src/process/tree.ts';
import { startProgram } from './program.ts';

async function start(script: string, mark: string | undefined, stdio: StdioOptions = 'ignore'): Promise<ChildProcess> {
  const { [treeVariable]: _, ...env } = process.env;
  const more = mark === undefined ? {} : { [treeVariable]: mark };
  const child = spawn('sh', ['-c', script], { detached: true, stdio, env: { ...env, ...more } });
  await once(child, 'spawn');
  onTestFinished(() => end(child));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const mark = `survivors-${process.pid}`;
const sleeps = 'exec sleep 600';

/**
 * A leader as if it had started long ago: what is young is looked at without any memory. It was there when everybody was last looked at, as one
 * that old would have been, and has ended since.
 */
async function seenAndEnded(): Promise<ProcessIdentity> {
  const child = await start(sleeps, undefined);
  const identity = identify(child.pid ?? 0) as ProcessIdentity;
  const startedIn = (ticks: number): ProcessIdentity => ({
    ...identity,
    start: String(Number(identity.start) + ticks),
  });
  // Of a leader that is yet to come no earlier look tells anything.
  expect(leftOf({ leader: startedIn(1_000), mark: 'nobody' })).toEqual([]);
  await end(child);
  return startedIn(-1_000);
}

const leftOf = (target: TreeTarget): [pid: number, holdsLogs: boolean][] =>
  survivorsOf(target).map(({ identity: { pid }, holdsLogs }) => [pid, holdsLogs]);

it.runIf(process.platform === 'linux')('who was seen before any end is found at the end of his own tree', async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/log`;
  const fd = openSync(path, 'a');
  const [marked, printing] = [await start(sleeps, mark), await start(sleeps, undefined, ['ignore', 'ignore', fd])];
  await start(sleeps, `${mark}-other`);
  closeSync(fd);
  const expected = [
    [marked.pid, false],
    [printing.pid, true],
  ].sort(([a], [b]) => Number(a) - Number(b));
  const leader = await seenAndEnded();
  const tree = { leader, mark, logs: [path] };
  expect([leftOf(tree), leftOf({ leader, mark: 'nobody' }), leftOf(tree)]).toEqual([expected, [], expected]);
  await end(printing);
  expect(leftOf(tree)).toEqual([[marked.pid, false]]);
  await end(marked);
  expect(leftOf(tree)).toEqual([]);
});

it.runIf(process.platform === 'linux')('a child that a member left since the last look is found', async () => {
  for (let round = 0; round < 5; round++) {
    const own = `${mark}-${round}`;
    const member = await start('read line; sleep 600 >/dev/null & echo $!', own, ['pipe', 'pipe', 'ignore']);
    const leader = await seenAndEnded();
    expect(leftOf({ leader, mark: own })).toEqual([[member.pid, false]]);
    member.stdin?.end('go\n');
    const [[said]] = await Promise.all([once(member.stdout ?? member, 'data'), once(member, 'exit')]);
    const pid = Number(String(said));
    expect(leftOf({ leader, mark: own })).toEqual([[pid, false]]);
    process.kill(pid, 'SIGKILL');
  }
});

/** Pids of its own, which nobody else gets; only where the system lets us. */
const ownPids = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
const canUnshare = spawnSync('unshare', [...ownPids.slice(1), 'true']).status === 0;

it.runIf(canUnshare)('who gets the pid of one that was known is looked at anew', async () => {
  const { pid, ...told } = JSON.parse(await startProgram('reused-pid', [], ownPids).output);
  expect(told).toEqual({ before: 0, left: [pid] });
});
