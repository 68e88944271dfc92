/** Contract, section 12.1: where the original lost data or gave wrong answers. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot, program, start } from './program.ts';

type Root = Awaited<ReturnType<typeof jobsRoot>>;
const idOf = (value: Record<string, unknown>): string => String(value.job_id);
const stateOf = (jobs: Root, id: string) => JSON.parse(readFileSync(`${jobs.root}/${id}/state.json`, 'utf8'));

describe('ids that are paths', () => {
  it.each([
    ['the root', ''],
    ['a dot', '.'],
    ['its parent', '..'],
    ['an absolute directory', 'ABSOLUTE'],
    ['a way out and back', '../jobs'],
    ['the host’s directory', '.host'],
  ])('delete, and delete --dry-run, of %s touch nothing', async (_name, word) => {
    await using jobs = await jobsRoot();
    await jobs.answer(['run', '--', 'true']);
    const precious = `${jobs.path}/precious`;
    mkdirSync(precious);
    writeFileSync(`${precious}/meta.json`, '{}');
    const before = readdirSync(jobs.root);
    for (const options of [[], ['--dry-run']]) {
      const answer = await jobs.answer(['delete', ...options, word === 'ABSOLUTE' ? precious : word]);
      expect(answer).toMatchObject({ status: 1, error: { code: 'job_not_found' } });
    }
    expect(readdirSync(jobs.root)).toEqual(before);
    expect(existsSync(`${precious}/meta.json`)).toBe(true);
  });
});

describe('a job whose keeper was killed is noticed by every command', () => {
  it.each([
    [['status'], { state: 'failed', error: expect.stringContaining('killed') }],
    [['wait', '--forever'], { state: 'failed' }],
    [['wait', '--until', '1'], { state: 'failed' }],
    [['kill'], { state: 'failed', survivors: [] }],
    [['restart', '--no-wait'], { ok: true }],
    [['delete'], { deleted: 1 }],
    [['list'], { jobs: [{ state: 'failed' }] }],
    [['ps'], { jobs: [] }],
    [['gc', '--older-than', '0'], { ok: true, failed: 0 }],
  ])('%j', async (command, expected) => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--no-wait', '--no-auto-gc', '--', 'sleep', '30']));
    const { pid } = stateOf(jobs, id);
    const workload = await eventually('the workload is there', () => {
      const pids = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
      return pids.length > 0 && pids;
    });
    process.kill(pid, 'SIGKILL');
    await eventually('the keeper is gone', () => !existsSync(`/proc/${pid}`) || isZombie(pid));
    const takesNoId = ['list', 'ps', 'gc'].includes(command[0] ?? '');
    expect(await jobs.answer([...command, ...(takesNoId ? [] : [id])])).toMatchObject(expected);
    for (const left of workload) killIfThere(left);
  });
});

/** What a command has ended may go in this very moment. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

const isZombie = (pid: number): boolean => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

describe('signals', () => {
  it.each([
    ['TERM', 'SIGTERM', 15],
    ['sigterm', 'SIGTERM', 15],
    ['HUP', 'SIGHUP', 1],
    ['SIGINT', 'SIGINT', 2],
    ['Quit', 'SIGQUIT', 3],
    ['usr1', 'SIGUSR1', 10],
    ['USR2', 'SIGUSR2', 12],
    ['KILL', 'SIGKILL', 9],
  ])('kill --signal %s ends the job by %s', async (name, signal, number) => {
    await using jobs = await jobsRoot();
    const run = await jobs.answer(['run', '--until', '0', '--', 'sh', '-c', 'echo ready; exec sleep 30']);
    await eventually('the workload runs', () => readFileSync(String(run.stdout_log_path), 'utf8') !== '');
    const id = idOf(run);
    expect(await jobs.answer(['kill', '--signal', name, id])).toMatchObject({
      signal: name.toUpperCase(),
      state: 'killed',
      terminated_signal: signal,
      terminated_signal_number: number,
    });
  });
});

describe('observation', () => {
  it('--forever waits for the end, whatever was printed before', async () => {
    await using jobs = await jobsRoot();
    const script = 'echo first; sleep 1.6; echo last; exit 2';
    expect(await jobs.answer(['run', '--forever', '--', 'sh', '-c', script])).toMatchObject({
      state: 'exited',
      exit_code: 2,
      stdout: 'first\nlast\n',
    });
  });

  it('an answer that says exited has all of a large output', async () => {
    await using jobs = await jobsRoot();
    const answer = await jobs.answer(['run', '--max-bytes', '0', '--', 'head', '-c', '3000000', '/dev/zero']);
    expect(answer).toMatchObject({ state: 'exited', stdout_total_bytes: 3_000_000 });
  });
});

describe('restart', () => {
  it('two at once leave one workload', async () => {
    await using jobs = await jobsRoot();
    const pids = `${jobs.path}/pids`;
    const script = `echo $$ >> ${pids}; exec sleep 30`;
    const id = idOf(await jobs.answer(['run', '--until', '0', '--', 'sh', '-c', script]));
    const both = await Promise.all([1, 2].map(() => jobs.answer(['restart', '--until', '0', id])));
    expect(both.some(({ ok }) => ok)).toBe(true);
    await eventually('one is left', () => {
      const alive = readFileSync(pids, 'utf8')
        .trim()
        .split('\n')
        .filter((pid) => existsSync(`/proc/${pid}`));
      return alive.length === 1;
    });
    expect(await jobs.answer(['status', id])).toMatchObject({ state: 'running' });
  });

  it('writes the combined log where run was told to', async () => {
    await using jobs = await jobsRoot();
    const log = `${jobs.path}/combined.log`;
    const id = idOf(await jobs.answer(['run', '--log', log, '--', 'echo', 'x']));
    writeFileSync(log, '');
    await jobs.answer(['restart', id]);
    expect(readFileSync(log, 'utf8')).toMatch(/\[STDOUT\] x\n$/);
  });
});

describe('endings are told apart', () => {
  it.each([
    ['a timeout', ['--timeout', '1'], 'sleep 30', { state: 'killed', ending: 'timed_out' }],
    [
      'a timeout that the job obeys with a code',
      ['--timeout', '1'],
      'trap "exit 7" TERM; sleep 30 & wait',
      { ending: 'timed_out' },
    ],
    [
      'a signal of its own',
      [],
      'kill -TERM $$',
      { state: 'killed', ending: 'signaled', signal: 'SIGTERM', signal_number: 15 },
    ],
    ['a code above 128', [], 'exit 143', { state: 'exited', ending: 'exited', exit_code: 143 }],
  ])('%s', async (_name, options, script, expected) => {
    await using jobs = await jobsRoot();
    const kill = options.length > 0 ? ['--kill-after', '5'] : [];
    expect(await jobs.answer(['run', '--forever', ...options, ...kill, '--', 'sh', '-c', script])).toMatchObject(
      expected,
    );
  });
});

describe('a reader that has gone', () => {
  it('is no failure', async () => {
    await using jobs = await jobsRoot();
    const id = idOf(await jobs.answer(['run', '--', 'head', '-c', '200000', '/dev/zero']));
    const calling = start(['--root', jobs.root, 'tail', '--max-bytes', '200000', id]);
    calling.child.stdout?.destroy();
    expect(await calling.ended).toMatchObject({ status: 0, stderr: '' });
  });
});

/** Mounts of its own, gone with its process; only where the system lets us. */
const ownMounts = ['unshare', '--mount', '--propagation', 'private'];
const canMount = spawnSync('unshare', [...ownMounts.slice(1), 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

it.runIf(canMount)('start on a full disk runs nothing, says so, and may be tried again', async () => {
  await using jobs = await jobsRoot();
  const script = `
    mkdir small && mount -t tmpfs -o size=512k none small && cd small || exit
    id=$("$@" --root jobs create -- sh -c 'echo ran' | sed 's/.*"job_id":"\\([0-9a-f]*\\).*/\\1/')
    head -c 1M /dev/zero > ballast 2>/dev/null
    "$@" --root jobs start $id
    "$@" --root jobs status $id
    rm ballast
    "$@" --root jobs start $id`;
  const words = [...ownMounts, 'bash', '--norc', '-c', script, 'bash', ...program];
  const { stdout, stderr } = await jobs.call([], { words });
  expect(stdout.split('\n').map((line) => line && JSON.parse(line))).toMatchObject([
    { ok: false, error: { code: 'launch_failed', message: expect.stringContaining('ENOSPC') } },
    { ok: true, state: 'created' },
    { ok: true, state: 'exited', stdout: 'ran\n' },
    '',
  ]);
  expect(stderr).toBe('');
});
