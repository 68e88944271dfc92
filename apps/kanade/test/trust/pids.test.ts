/**
 * Pids come round again: in a small pid namespace of its own a bystander gets the pid of a process that we had known. Nobody but the
 * processes of a job ever gets a signal, whatever the records say.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually } from '@kanade/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { openPlainPerson } from './plain-person.ts';
import { needRoot, openSite, rounds, type Site } from './site.ts';

beforeAll(needRoot);

/** Notes each signal that can be caught in the file that it is given; its own end of `FILE.in` is what it waits on, without a process more. */
const noteSignals =
  'for s in HUP INT QUIT USR1 USR2 TERM; do trap "echo $s >> $1" $s; done; exec 3<> "$1.in"; while :; do read -r _ <&3; done';

/** A pid namespace that goes with the test, and all processes in it. */
async function openPids() {
  const holder: ChildProcess = spawn(
    'unshare',
    [
      '--pid',
      '--fork',
      '--kill-child',
      '--mount',
      '--mount-proc',
      '--propagation',
      'private',
      'bash', // collects orphans, as the first process has to
      '-c',
      'echo ready; read -r',
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  let said = '';
  holder.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  const ended = once(holder, 'exit');
  await eventually('the namespace is there', () => {
    if (holder.exitCode !== null) throw new Error(`no pid namespace: exit ${holder.exitCode}`);
    return said.includes('ready');
  });
  const first = Number(readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim().split(' ')[0]);
  const before = ['nsenter', `--target=${first}`, '--pid', '--mount', '--'];

  /** What a script says in the namespace. */
  function inside(script: string, ...args: string[]): string {
    const [file = '', ...words] = [...before, 'sh', '-c', script, 'sh', ...args];
    return spawnSync(file, words, { encoding: 'utf8' }).stdout;
  }

  const isAlive = (pid: number): boolean => /\) [^ZX] /.test(inside('cat /proc/$1/stat 2>/dev/null', String(pid)));
  return {
    before,
    inside,
    isAlive,
    /** Ends processes, and waits until their pids are free. */
    async end(pids: readonly number[]) {
      inside('for pid; do kill -9 $pid; done', ...pids.map(String));
      await eventually(
        'the pids are free',
        () => inside('for pid; do [ ! -e /proc/$pid ] || echo $pid; done', ...pids.map(String)) === '',
      );
    },
    /** A stranger under this very pid, in a session and group of its own, who notes every signal that can be caught. */
    async reuse(pid: number, note: string): Promise<void> {
      inside('[ -e "$1" ] || mkfifo "$1"', `${note}.in`); // what it waits on: waiting must not take further pids
      await eventually(`pid ${pid} for a stranger`, () => {
        const got = inside(
          'echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid; setsid sh -c "$3" sh "$2" </dev/null >/dev/null 2>&1 & echo $!',
          String(pid),
          note,
          noteSignals,
        );
        if (Number(got) === pid) return true;
        inside('kill -9 $1', got.trim());
        return false;
      });
    },
    /** A daemon whose first process had this pid, and with it named the session; it notes every signal that can be caught. */
    async leaveDaemon(pid: number, note: string): Promise<number> {
      inside('mkfifo "$1"', `${note}.in`);
      return await eventually(`a daemon from pid ${pid}`, () => {
        const got = inside(
          'echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid; setsid sh -c "$3" "$4" "$2" </dev/null >/dev/null 2>&1 & echo $!; wait',
          String(pid),
          note,
          'sh -c "$0" sh "$1" & echo $! > "$1.pid"',
          noteSignals,
        );
        const daemon = Number(readFileSync(`${note}.pid`, 'utf8'));
        if (Number(got) === pid) return daemon;
        inside('kill -9 $1', String(daemon));
        return false;
      });
    },
    async [Symbol.asyncDispose]() {
      holder.kill('SIGKILL');
      await ended;
    },
  };
}

type Pids = Awaited<ReturnType<typeof openPids>>;

/** The leader of a job and its other processes, as the namespace numbers them. */
async function processesOfJob(pids: Pids, site: Site, id: string): Promise<{ leader: number; others: number[] }> {
  return await eventually('the processes of the job', () => {
    const text = pids.inside('grep -lzxF "JOB_TREE_MARK=$1" /proc/[0-9]*/environ 2>/dev/null', id);
    const found = [...text.matchAll(/\/proc\/(\d+)\//g)].map((match) => Number(match[1]));
    const state = JSON.parse(readFileSync(`${site.root}/${id}/state.json`, 'utf8')) as { identity?: { pid: number } };
    const leader = state.identity?.pid;
    if (leader === undefined) throw new Error('no identity in state.json');
    // The last one of them to come is what the script runs.
    const isComplete = found.some((pid) => pids.inside('cat /proc/$1/comm', String(pid)) === 'sleep\n');
    return found.includes(leader) && isComplete && { leader, others: found.filter((pid) => pid !== leader) };
  });
}

/** A job that ran, of which nothing is left but its records, which say that it runs. */
async function vanishedJob(pids: Pids, site: Site, more: readonly string[] = []) {
  const run = await site.answer(['run', '--no-wait', '--no-auto-gc', ...more, '--', 'sh', '-c', 'sleep 600; true']);
  const id = String(run.job_id);
  const { leader, others } = await processesOfJob(pids, site, id);
  await pids.end([...keepersIn(pids), leader, ...others]);
  return { id, leader, others };
}

const keepersIn = (pids: Pids): number[] =>
  [
    ...pids.inside('grep -lzxE "_host|_keeper|keeper" /proc/[0-9]*/cmdline 2>/dev/null').matchAll(/\/proc\/(\d+)\//g),
  ].map((match) => Number(match[1]));

describe('a stranger with the pid of a job that is gone', () => {
  it.each([
    ['kill'],
    ['kill --signal KILL'],
    ['status'],
    ['wait --until 1'],
    ['restart --no-wait'],
    ['delete'],
    ['gc --older-than 0'],
  ])('%s sends it nothing', async (command) => {
    await using pids = await openPids();
    await using site = await openSite({ before: pids.before });
    const { id, leader, others } = await vanishedJob(pids, site);
    const note = `${site.path}/signals`;
    for (const pid of [leader, ...others]) await pids.reuse(pid, note);
    const words = command.split(' ');
    const answer = await site.answer(words[0] === 'gc' ? words : [...words, id]);
    if (words[0] === 'status') expect(answer).toMatchObject({ state: 'failed', ending: 'lost' });
    for (const pid of [leader, ...others]) expect([pid, pids.isAlive(pid)]).toEqual([pid, true]);
    expect(existsSync(note)).toBe(false);
    if (words[0] === 'restart') await site.answer(['kill', '--signal', 'KILL', id]);
  });

  it.each([
    ['another start time', { start: '1' }],
    ['a start time that is none', { start: 'soon' }],
    ['another boot', { boot: '00000000-0000-0000-0000-000000000000' }],
    ['no boot', { boot: '' }],
    ['the first process of the system', { pid: 1 }],
    ['a group of processes', { pid: -1 }],
    ['everybody', { pid: 0 }],
  ])('records that were made up to name it with %s: nobody gets a signal', async (_name, made) => {
    await using pids = await openPids();
    await using site = await openSite({ before: pids.before });
    const run = await site.answer(['run', '--no-wait', '--no-auto-gc', '--', 'sh', '-c', 'sleep 600; true']);
    const id = String(run.job_id);
    const { leader, others } = await processesOfJob(pids, site, id);
    const path = `${site.root}/${id}/state.json`;
    const state = JSON.parse(readFileSync(path, 'utf8')) as { identity: object; pid?: number };
    const forged = { ...state, ...('pid' in made ? made : {}), identity: { ...state.identity, ...made } };
    await pids.end([...keepersIn(pids), ...('pid' in made ? [leader, ...others] : [])]);
    const note = `${site.path}/signals`;
    if ('pid' in made) for (const pid of [leader, ...others]) await pids.reuse(pid, note);
    writeFileSync(path, JSON.stringify(forged));
    for (const words of [['kill'], ['kill', '--signal', 'KILL'], ['restart', '--no-wait'], ['delete']]) {
      const { status, stderr } = await site.call([...words, id]);
      expect([words, status === 0 || status === 1, stderr]).toEqual([words, true, '']);
      if ('pid' in made)
        for (const pid of [1, leader, ...others]) expect([words, pid, pids.isAlive(pid)]).toEqual([words, pid, true]);
    }
    expect(existsSync(note)).toBe(false);
  });
});

it('a daemon in a session of the number of a job that is gone gets nothing', async () => {
  await using pids = await openPids();
  await using site = await openSite({ before: pids.before });
  const { id, leader } = await vanishedJob(pids, site);
  const note = `${site.path}/signals`;
  const daemon = await pids.leaveDaemon(leader, note);
  expect(pids.inside('cut -d" " -f6 /proc/$1/stat', String(daemon)).trim()).toBe(String(leader));
  for (const words of [['kill'], ['kill', '--signal', 'KILL'], ['delete']]) {
    await site.call([...words, id]);
    expect([words, pids.isAlive(daemon)]).toEqual([words, true]);
  }
  expect(existsSync(note)).toBe(false);
});

it('a stranger with the pid of a keeper that is gone does not pass for it: deadlines hold', async () => {
  await using pids = await openPids();
  await using site = await openSite({ before: pids.before });
  const words = ['run', '--no-wait', '--timeout', '4', '--kill-after', '1', '--', 'sh', '-c', 'sleep 600; true'];
  const run = await site.answer(words);
  const keepers = await eventually('a keeper', () => keepersIn(pids).length > 0 && keepersIn(pids));
  await pids.end(keepers);
  const note = `${site.path}/signals`;
  for (const keeper of keepers) await pids.reuse(keeper, note);
  await site.answer(['run', '--no-wait', '--', 'true']);
  expect(await site.answer(['wait', '--until', '20', String(run.job_id)])).toMatchObject({ ending: 'timed_out' });
  for (const keeper of keepers) expect(pids.isAlive(keeper)).toBe(true);
  expect(existsSync(note)).toBe(false);
});

it('a stranger with the pid of a run that an agent had: lost, and not stopped by the person', async () => {
  await using pids = await openPids();
  await using site = await openSite({ before: pids.before });
  site.offer('long', 'sleep 600; true');
  const first = site.startAgent();
  await first.ready();
  await using person = await openPlainPerson(site.socket);
  const run = await person.start('long');
  const agentsJobs = { ...site, root: `${site.data}/jobs` };
  const id = await eventually('the job', () =>
    pids
      .inside('ls "$1"', agentsJobs.root)
      .split('\n')
      .find((name) => /^[0-9a-f]{32}$/.test(name)),
  );
  const { leader, others } = await processesOfJob(pids, agentsJobs, id);
  // The agent itself: what was started out here only waits for it.
  const agents = pids.inside('grep -lzxF -e "$1" /proc/[0-9]*/cmdline 2>/dev/null', site.data);
  await pids.end([...agents.matchAll(/\/proc\/(\d+)\//g)].map((match) => Number(match[1])));
  await first.ended;
  await pids.end([leader, ...others]);
  const note = `${site.path}/signals`;
  for (const pid of [leader, ...others]) await pids.reuse(pid, note);
  const second = site.startAgent();
  await second.ready();
  await using again = await openPlainPerson(site.socket);
  await again.ask('jobs.kill', { run_id: run });
  await eventually('it is known as failed', async () => {
    const { items } = (await again.call('jobs.list')) as {
      items: { last_run?: { status: string; exit_code: number } }[];
    };
    return items[0]?.last_run?.status === 'failed' && items[0].last_run.exit_code !== 0;
  });
  for (const pid of [leader, ...others]) expect([pid, pids.isAlive(pid)]).toEqual([pid, true]);
  expect(existsSync(note)).toBe(false);
});

it('in a storm of short processes whose pids come round all the time, kill hits the job alone', async () => {
  await using pids = await openPids();
  await using site = await openSite({ before: pids.before });
  for (let round = 0; round < rounds(2); round++) {
    const storm = 'trap "" TERM; echo begun; while :; do (exit 0) & (exit 0) & sleep 0.01; done';
    const run = await site.answer(['run', '--no-wait', '--no-auto-gc', '--', 'sh', '-c', storm]);
    await eventually('it has begun', () => readFileSync(String(run.stdout_log_path), 'utf8') !== '');
    const note = `${site.path}/signals-${round}`;
    // Bystanders come to life among the pids that the storm uses, while the job is being stopped.
    const script = `n=0; low=$(cat /proc/sys/kernel/ns_last_pid); while [ $n -lt 40 ]; do
      echo $low > /proc/sys/kernel/ns_last_pid; setsid sh -c 'trap "echo TERM >> $0" TERM HUP INT; sleep 600 & wait' "$1" </dev/null >/dev/null 2>&1 & echo $!
      n=$((n+1)); sleep 0.02; done`;
    const killing = site.answer(['kill', String(run.job_id)]);
    const bystanders = pids.inside(script, note).trim().split('\n').map(Number);
    const { ok, error } = await killing;
    expect({ ok, error }).toEqual({ ok: true, error: undefined });
    expect(bystanders).toHaveLength(40);
    expect(bystanders.filter((pid) => !pids.isAlive(pid))).toEqual([]);
    expect(existsSync(note)).toBe(false);
    await pids.end(bystanders);
  }
});
