import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type JobDir, parseSignal, pathOf, settle, stopJob, waitForEnd } from '@kanade/runner';
import { identify, isAlive, stopTree } from '@kanade/runner/process';
import { eventually, tempDir } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { createControlGroup, removeControlGroup } from '../src/process/control-group.ts';
import { launchScript } from './launch.ts';

function hasControlGroups(): boolean {
  const probe = createControlGroup(`probe-${process.pid}`);
  return probe !== undefined && removeControlGroup(probe);
}

/** Pids that the job's processes wrote into its output, once there are `count` of them. */
const printedPids = (job: JobDir, count: number): Promise<number[]> =>
  eventually(`${count} processes said their pids`, () => {
    const pids = readFileSync(pathOf(job, 'stdout'), 'utf8').split('\n').filter(Boolean).map(Number);
    return pids.length >= count && pids;
  });

/** What is started, and how many of its processes say their pid. */
const zoo: [name: string, script: string, count: number][] = [
  ['a child', 'sh -c "echo \\$\\$; exec sleep 60" & echo $$; wait', 2],
  ['a grandchild', 'sh -c "sh -c \'echo \\$\\$; exec sleep 60\' & echo \\$\\$; wait" & echo $$; wait', 3],
  ['one that ignores TERM', "trap '' TERM; echo $$; sleep 60; sleep 60", 1],
  [
    'one that ignores TERM below one that obeys',
    'sh -c "trap \'\' TERM; echo \\$\\$; sleep 60; sleep 60" & echo $$; wait',
    2,
  ],
  ['one in a session of its own', 'setsid sh -c "echo \\$\\$; exec sleep 60" & echo $$; wait', 2],
  ['a stopped one', 'sh -c "echo \\$\\$; kill -STOP \\$\\$; sleep 60" & echo $$; wait', 2],
  [
    'a double fork into a session of its own',
    '(setsid sh -c "echo \\$\\$; exec sleep 60" &) ; echo $$; exec sleep 60',
    2,
  ],
  ['nohup and closed stdio', 'nohup sh -c "echo \\$\\$; exec sleep 60 <&- >&- 2>&-" & echo $$; wait', 2],
];

// Only a control group knows a daemon that has cut every tie; where there is none it escapes, as the README says.
if (hasControlGroups()) {
  const daemon = '(setsid sh -c "echo \\$\\$; exec sleep 60 <&- >&- 2>&-" &) ; echo $$; exec sleep 60';
  zoo.push(['a daemon with every tie cut', daemon, 2]);
}

it.each(zoo)('stopJob() takes %s', async (_name, script, count) => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, script);
  const identities = (await printedPids(launched.job, count)).map((pid) => identify(pid));
  const { view, report } = await stopJob(launched.job, { by: 'user', graceMs: 200 });
  expect(report?.survivors).toEqual([]);
  expect(report?.members.length).toBeGreaterThanOrEqual(count);
  expect(identities.filter((identity) => identity && isAlive(identity))).toEqual([]);
  expect(view.state?.ending).toMatchObject({ kind: 'killed', by: 'user' });
});

it('stopJob() with only one signal lets the workload handle it', async () => {
  await using dir = await tempDir();
  const seen = `${dir.path}/seen`;
  const launched = launchScript(dir.path, `trap 'touch ${seen}' USR1; echo $$; while :; do sleep 0.05; done`);
  await printedPids(launched.job, 1);
  const usr1 = parseSignal('usr1');
  const { view } = await stopJob(launched.job, {
    by: 'user',
    only: true,
    graceMs: 0,
    ...(usr1 ? { signal: usr1 } : {}),
  });
  expect(view.status).toBe('running');
  await eventually('the trap has run', () => existsSync(seen));
  await stopJob(launched.job, { by: 'operator', graceMs: 0 });
  expect((await waitForEnd(launched.job)).state?.ending).toMatchObject({ kind: 'killed', by: 'operator' });
});

it('stopJob() right after the launch meets the workload, not a shim that is not ready', async () => {
  await using dir = await tempDir();
  const term = parseSignal('TERM');
  if (!term) throw new Error('this system must have TERM');
  for (let round = 0; round < 10; round++) {
    const launched = launchScript(dir.path, 'exec sleep 60');
    const { view } = await stopJob(launched.job, { by: 'user', signal: term, only: true });
    expect(view.state?.ending).toEqual({ kind: 'killed', by: 'user', signal: 15 });
  }
});

it('stopJob() of an ended job sends nothing and reports the ending', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'exit 2');
  await launched.ended;
  const outcome = await stopJob(launched.job, { by: 'user' });
  expect([outcome.report, outcome.view.state?.ending]).toEqual([undefined, { kind: 'exited', exitCode: 2 }]);
});

it('never signals a stranger behind a reused pid', async () => {
  await using dir = await tempDir();
  const stranger = spawn('sleep', ['60'], { detached: true });
  const real = identify(stranger.pid ?? 0);
  if (!real) throw new Error('the stranger must run');
  const launched = launchScript(dir.path, 'exit 0');
  await launched.ended;
  const running = JSON.parse(readFileSync(pathOf(launched.job, 'state'), 'utf8'));
  const forged = { ...real, start: '1' };
  writeFileSync(pathOf(launched.job, 'record'), `pid ${real.pid}\n`);
  writeFileSync(
    pathOf(launched.job, 'state'),
    JSON.stringify({ ...running, job: { ...running.job, status: 'running' }, pid: real.pid, identity: forged }),
  );
  expect((await stopJob(launched.job, { by: 'user', graceMs: 0 })).view.status).toBe('failed');
  await stopTree({ leader: forged }, { steps: [{ signal: 'SIGKILL', waitMs: 50 }] });
  expect(isAlive(real)).toBe(true);
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
});

it('a clean exit leaves a daemon of the job alone', async () => {
  await using dir = await tempDir();
  const launched = launchScript(dir.path, 'sh -c "echo \\$\\$; exec sleep 60" & exit 0');
  await launched.ended;
  const [pid = 0] = await printedPids(launched.job, 1);
  expect(settle(launched.job).status).toBe('exited');
  const daemon = identify(pid);
  expect(daemon && isAlive(daemon)).toBe(true);
  process.kill(pid, 'SIGKILL');
});

it('a stop right after the launch does not cost the ending', async () => {
  await using dir = await tempDir();
  for (let round = 0; round < 10; round++) {
    const { job } = launchScript(dir.path, 'sleep 60');
    expect((await stopJob(job, { by: 'user', graceMs: 50 })).view.state?.ending).toMatchObject({ kind: 'killed' });
  }
});
