import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type JobDir, openJobs, parseSignal, pathOf } from '@kanade/runner';
import { identify, isAlive } from '@kanade/runner/process';
import { eventually, tempDir, zoo } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { waitForEnd } from '../src/life/observe.ts';
import { settle } from '../src/life/settle.ts';
import { stopJob } from '../src/life/stop.ts';
import { controlGroupIn, controlGroupMembers, ownControlGroup } from '../src/process/control-group/control-group.ts';
import { listProcesses } from '../src/process/identity.ts';
import { stopTree } from '../src/process/stop-tree.ts';
import { isStillMember, markOf, membersOf, treeVariable } from '../src/process/tree.ts';
import { launchScript } from './launch.ts';
import { programWords, startProgram } from './program.ts';

/** Pids that the job's processes wrote into its output, when there are `count` of them. */
function printed(job: JobDir, count: number): number[] | undefined {
  const pids = readFileSync(pathOf(job, 'stdout'), 'utf8').split('\n').filter(Boolean).map(Number);
  return pids.length >= count ? pids : undefined;
}

const printedPids = (job: JobDir, count: number): Promise<number[]> =>
  eventually(`${count} processes said their pids`, () => printed(job, count));

/** What a file says, once it says something: one that was just made does not yet. */
const textOf = (path: string): string | undefined => readFileSync(path, 'utf8').trim() || undefined;

/** Mounts of its own, gone with its process; only where the system lets us. */
const withoutControlGroups = ['unshare', '--mount', '--propagation', 'private'];
const canMount =
  spawnSync('unshare', [...withoutControlGroups.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

const places: [where: string, wrapper: string[], args: string[]][] = [['as this system is', [], []]];
if (canMount) places.push(['without control groups', withoutControlGroups, ['hide-control-groups']]);

it.each(places)('stopJob() takes the whole zoo %s', async (_where, wrapper, args) => {
  await using dir = await tempDir();
  const told = JSON.parse(await startProgram('stop-zoo', [dir.path, ...args], wrapper).output);
  const expected = zoo.map(({ name }) => ({ name, alive: [], survivors: [], sawAll: true, ending: 'killed user' }));
  expect(told).toEqual(expected);
});

it('stopJob() takes one that has cut every tie and is becoming another program again and again', async () => {
  await using dir = await tempDir();
  // Again and again it has neither words nor an environment for a moment.
  const changing = `${dir.path}/changing.sh`;
  writeFileSync(changing, `exec sh ${changing}\n`);
  for (let round = 0; round < 10; round++) {
    const daemon = `(setsid sh -c "echo \\$\\$; exec sh ${changing} <&- >&- 2>&-" &)`;
    const { job } = launchScript(dir.path, `${daemon}; echo $$; exec sleep 60`);
    const identities = (await printedPids(job, 2)).map((pid) => identify(pid));
    const { report } = await stopJob(job, { by: 'user', graceMs: 200 });
    const alive = identities.filter((identity) => identity && isAlive(identity));
    for (const identity of alive) if (identity) process.kill(identity.pid, 'SIGKILL');
    expect({ round, alive, survivors: report?.survivors }).toEqual({ round, alive: [], survivors: [] });
  }
});

it('stopJob() of a fork storm of 200 by its deadline leaves nobody, though the first process obeys at once', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const script =
    "trap 'exit 0' TERM; for i in $(seq 199); do sh -c \"trap '' TERM; echo \\$\\$; sleep 60; sleep 60\" & done; echo $$; wait";
  const { job } = launchScript(dir.path, script, { timeoutMs: 1_500, killAfterMs: 100 });
  const ended = jobs.adopt(job);
  let isOver = false;
  ended.finally(() => {
    isOver = true;
  });
  // On a busy machine the deadline comes before the last of them.
  const pids = await eventually('the storm, or its end', () => printed(job, isOver ? 1 : 200));
  const identities = pids.map((pid) => identify(pid));
  expect((await ended).state?.ending).toMatchObject({ kind: 'timed_out' });
  expect(identities.filter((identity) => identity && isAlive(identity))).toEqual([]);
});

it.runIf(process.platform === 'linux')('a process that is ending counts as one until it has ended', async () => {
  for (let round = 0; round < 50; round++) {
    const env = { PATH: process.env.PATH, [treeVariable]: 'ending' };
    const child = spawn('sleep', ['60'], { env, stdio: 'ignore' });
    const ended = once(child, 'exit');
    const identity = await eventually(
      'it sleeps',
      () => markOf(child.pid ?? 0) === 'ending' && identify(child.pid ?? 0),
    );
    child.kill('SIGKILL');
    // Its environment and its program go before it does.
    for (let mark = markOf(identity.pid); isAlive(identity); mark = markOf(identity.pid)) expect(mark).toBeDefined();
    await ended;
  }
});

/** The control group of a job, once its tree is in there. */
function settledGroupOf(job: JobDir): string | undefined {
  const named = controlGroupIn(pathOf(job, 'controlGroup'), job.id);
  return named?.isSettled ? named.path : undefined;
}

/** The same of a job whose shell says its pid first: that is in there. */
async function enclosed(job: JobDir): Promise<string> {
  const [shell] = await printedPids(job, 1);
  const group = await eventually('it has a group', () => settledGroupOf(job));
  expect(controlGroupMembers(group)).toContain(shell);
  return group;
}

/** A script that starts another job in this root by a program of the tests when it may go, and obeys no TERM from then on. */
function startsAnother(root: string, program: string): string {
  const words = programWords(program, [root, 'exec sleep 60']).map((word) => `'${word}'`);
  const wait = (what: string): string => `until [ ${what} ]; do sleep 0.02; done`;
  return `echo $$; ${wait(`-e ${root}/go`)}; ${words.join(' ')} >${root}/id & ${wait(`-s ${root}/id`)}; trap '' TERM; touch ${root}/ready; exec sleep 60`;
}

/** The other job, once it runs, and its keeper, where it needs one. */
async function otherIn(root: string, program: string) {
  await eventually('the other one runs', () => existsSync(`${root}/ready`));
  const id = readFileSync(`${root}/id`, 'utf8').trim();
  const job = { id, path: `${root}/${id}` };
  const keeperNow = () => openJobs(root, { keeper: 'process' }).health().keeper;
  const keeper = program === 'launch-and-stay' ? await eventually('it has a keeper', keeperNow) : undefined;
  return {
    async expectToRunOn(): Promise<void> {
      expect([settle(job).status, keeperNow()]).toEqual(['running', keeper]);
      await stopJob(job, { by: 'user', graceMs: 0 });
      expect(settle(job).state?.ending).toMatchObject({ kind: 'killed' });
    },
  };
}

// Only a control group knows a daemon that has cut every tie and cleared its environment, too.
if (ownControlGroup() !== undefined) {
  it('a job that has run for a while is in a control group, which nobody leaves', async () => {
    await using dir = await tempDir();
    await using jobs = openJobs(dir.path, { keeper: 'here' });
    const daemon = `env -i setsid sh -c 'trap "" TERM; echo $$ >${dir.path}/pid; exec sleep 60 <&- >&- 2>&-'`;
    const script = `echo $$; until [ -e ${dir.path}/go ]; do sleep 0.02; done; (${daemon} &); exec sleep 60`;
    const { job } = launchScript(dir.path, script);
    const ended = jobs.adopt(job);
    const group = await enclosed(job);
    writeFileSync(`${dir.path}/go`, '');
    const pid = Number(await eventually('the daemon is up', () => textOf(`${dir.path}/pid`)));
    const identity = await eventually('it sleeps', () => identify(pid));
    const { report } = await stopJob(job, { by: 'user', graceMs: 100 });
    expect(report).toMatchObject({ mechanism: 'control-group', survivors: [] });
    expect(isAlive(identity)).toBe(false);
    await ended;
    expect([existsSync(group), existsSync(pathOf(job, 'controlGroup'))]).toEqual([false, false]);
  });

  it.each(['launch-and-die', 'launch-and-stay'])(
    'a job that was started from within a job is one of its own: who stops the one leaves the other (%s)',
    async (program) => {
      await using dir = await tempDir();
      await using jobs = openJobs(dir.path, { keeper: 'here' });
      const { job } = launchScript(dir.path, startsAnother(dir.path, program));
      const ended = jobs.adopt(job);
      await enclosed(job);
      writeFileSync(`${dir.path}/go`, '');
      const other = await otherIn(dir.path, program);
      const { report } = await stopJob(job, { by: 'user', graceMs: 100 });
      expect(report).toMatchObject({ mechanism: 'control-group', survivors: [] });
      await ended;
      await other.expectToRunOn();
    },
  );
}

it('so is one whose launcher lives, where nobody is in a control group', async () => {
  await using dir = await tempDir();
  writeFileSync(`${dir.path}/go`, '');
  const { job } = launchScript(dir.path, startsAnother(dir.path, 'launch-and-stay'));
  const other = await otherIn(dir.path, 'launch-and-stay');
  const { report } = await stopJob(job, { by: 'user', graceMs: 100 });
  expect(report).toMatchObject({ mechanism: 'process-group', survivors: [] });
  await other.expectToRunOn();
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

it('a stranger is none of a tree, though its parent took the pid of a member while processes were listed', async () => {
  await using dir = await tempDir();
  const { job } = launchScript(dir.path, 'setsid sh -c "echo \\$\\$; exec sleep 60" & echo $$; wait');
  const members = (await printedPids(job, 2)).sort((a, b) => a - b);
  const leader = settle(job).state?.identity;
  if (!leader) throw new Error('the job must run');
  const stranger = spawn('sleep', ['60'], { detached: true });
  const processes = listProcesses().map((entry) =>
    entry.pid === stranger.pid ? { ...entry, parent: members[0] ?? 0 } : entry,
  );
  // As if all of them had come meanwhile; nothing but pids speaks for anybody.
  const found = membersOf({ leader }, { tick: 0, processes });
  expect(found.map(({ pid }) => pid)).toEqual(members);
  const still = processes.filter((entry) => isStillMember({ leader }, entry)).map(({ pid }) => pid);
  expect(still.sort((a, b) => a - b)).toEqual(members);
  stranger.kill('SIGKILL');
  await once(stranger, 'exit');
  await stopJob(job, { by: 'user', graceMs: 0 });
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

it('what a killed shim has led can be stopped, though its job is lost', async () => {
  await using dir = await tempDir();
  const { job, ended } = launchScript(dir.path, 'echo $$; setsid sh -c "echo \\$\\$; exec sleep 60" & wait');
  const members = (await printedPids(job, 2)).map((pid) => identify(pid));
  process.kill(settle(job).state?.pid ?? 0, 'SIGKILL');
  await ended;
  expect(settle(job).state?.ending?.kind).toBe('lost');
  const { view, report } = await stopJob(job, { by: 'user', graceMs: 1_000 });
  expect([view.status, report?.survivors]).toEqual(['failed', []]);
  expect(report?.members).toEqual(expect.arrayContaining(members.map((member) => member?.pid)));
  expect(members.filter((member) => member && isAlive(member))).toEqual([]);
  expect((await stopJob(job, { by: 'user' })).report).toBeUndefined();
});

it.each(['USR1', 'SIGUSR1', 'usr1'])('takes the signal %s by its name', async (signal) => {
  await using dir = await tempDir();
  const { job } = launchScript(dir.path, "trap 'exit 7' USR1; echo $$; while :; do sleep 0.01; done");
  await printedPids(job, 1);
  const { view } = await stopJob(job, { by: 'user', signal, only: true, graceMs: 3_000 });
  expect((await waitForEnd(job)).state?.result.exit_code ?? view.state?.result.exit_code).toBe(7);
});

it('refuses a signal that there is not, and signals nobody', async () => {
  await using dir = await tempDir();
  const { job } = launchScript(dir.path, 'echo $$; exec sleep 60');
  await expect(stopJob(job, { by: 'user', signal: 'BOGUS' })).rejects.toMatchObject({ code: 'invalid_input' });
  expect(settle(job).status).toBe('running');
  await stopJob(job, { by: 'user', graceMs: 0 });
});

it.runIf(ownControlGroup())('a job without a host gets its control group from its launcher', async () => {
  await using dir = await tempDir();
  await using jobs = openJobs(dir.path, { keeper: 'here' });
  const { job } = jobs.launch({
    command: ["trap '' TERM; sleep 60; sleep 60"],
    cwd: dir.path,
    shellWrapper: ['sh', '-c'],
  });
  await eventually('the group', () => settledGroupOf(job));
  expect((await jobs.stop(job, { graceMs: 0 })).report).toMatchObject({ mechanism: 'control-group', survivors: [] });
});
