import { closeSync, openSync, readFileSync } from 'node:fs';
import { parseSignal } from '@kanade/runner';
import { identify, isAlive, supervise } from '@kanade/runner/process';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';

/** Starts a script with its output in a file; `output` reads that file. */
async function superviseScript(script: string) {
  const dir = await tempDir();
  const path = `${dir.path}/out`;
  const fd = openSync(path, 'a');
  const tree = supervise({ argv: ['sh', '-c', script], cwd: dir.path, stdoutFd: fd, stderrFd: fd });
  closeSync(fd);
  return { tree, output: () => readFileSync(path, 'utf8'), [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

it.each([
  ['exit 143 is an exit code', 'exit 143', { kind: 'exited', exitCode: 143 }],
  ['death by TERM is a signal', 'kill -TERM $$', { kind: 'signaled', signal: 15 }],
])('supervise(): %s', async (_name, script, ending) => {
  await using run = await superviseScript(script);
  expect(await run.tree.ended).toEqual(ending);
});

it.each(['/no/such/program', 'no-such-program', ''])('throws for the program %j', (program) => {
  expect(() => supervise({ argv: [program] })).toThrow('there is no such program');
});

it('stops a tree to its last process, and says who asked', async () => {
  await using run = await superviseScript('setsid sh -c "echo \\$\\$; exec sleep 60" & echo $$; wait');
  const pids = await eventually('both are up', () => {
    const lines = run.output().split('\n').filter(Boolean);
    return lines.length === 2 && lines.map(Number);
  });
  const identities = pids.map((pid) => identify(pid));
  const report = await run.tree.stop({ by: 'operator', graceMs: 1_000 });
  expect(report.survivors).toEqual([]);
  expect(await run.tree.ended).toMatchObject({ kind: 'killed', by: 'operator' });
  expect(identities.filter((identity) => identity && isAlive(identity))).toEqual([]);
});

it('a stop right after the start meets the workload', async () => {
  await using run = await superviseScript('exec sleep 60');
  const kill = parseSignal('KILL');
  await run.tree.stop(kill ? { signal: kill } : {});
  expect(await run.tree.ended).toEqual({ kind: 'killed', by: 'user', signal: 9 });
});

it('is lost when its leader is killed', async () => {
  await using run = await superviseScript('exec sleep 60');
  await eventually('the shim leads', () => isAlive(run.tree.leader));
  process.kill(-run.tree.leader.pid, 'SIGKILL');
  expect(await run.tree.ended).toMatchObject({ kind: 'lost' });
});

it('says what the system says when there is nothing to start', () => {
  expect(() => supervise({ argv: ['true'], cwd: '/nowhere/at/all' })).toThrow();
});
