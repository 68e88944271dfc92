/**
 * In pids of its own: a process is seen that is none of a tree, ends, and a member of the tree gets its pid. Prints that and what then counts as
 * left of the tree.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { identify, type ProcessIdentity } from '../../src/process/identity.ts';
import { survivorsOf } from '../../src/process/survivors.ts';
import { type TreeTarget, treeVariable } from '../../src/process/tree.ts';

async function startWith(mark: string): Promise<ChildProcess> {
  const child = spawn('sleep', ['600'], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, [treeVariable]: mark },
  });
  await once(child, 'spawn');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

const led = await startWith('led');
const identity = identify(led.pid ?? 0) as ProcessIdentity;
// As if it had started long ago: what is young is looked at without any memory.
const target: TreeTarget = { leader: { ...identity, start: String(Number(identity.start) - 1_000) }, mark: 'ours' };
const stranger = await startWith('theirs');
const before = survivorsOf({ ...target, mark: 'nobody' });
await end(stranger);
await end(led);
for (;;) {
  writeFileSync('/proc/sys/kernel/ns_last_pid', String((stranger.pid ?? 0) - 1));
  const member = await startWith('ours');
  if (member.pid !== stranger.pid) {
    await end(member);
    continue;
  }
  const left = survivorsOf(target).map(({ identity: { pid } }) => pid);
  await end(member);
  console.log(JSON.stringify({ before: before.length, pid: member.pid, left }));
  break;
}
