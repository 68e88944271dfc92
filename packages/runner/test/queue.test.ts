import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type JobDefinition, type Jobs, openJobs, pathOf } from '@kanade/runner';
import { eventually, runtimeWords, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { liveKeeper } from '../src/keep/markers.ts';
import { sendSignal } from '../src/process/send-signal.ts';
import { readTickets } from '../src/record/tickets.ts';
import { programWords, startProgram } from './program.ts';

/** Nobody looks after it at once. One that was just being started may take the place of the one that is killed: it goes, too. */
async function killKeeper(root: string): Promise<void> {
  await eventually('the keeper is gone', () => {
    const keeper = liveKeeper(root);
    if (keeper) sendSignal(keeper, 'SIGKILL', 'process');
    return keeper === undefined;
  });
}

/** A root whose keeper leaves soon after it has nothing to do, and jobs in it that a file releases. */
async function lineRoot(runtime = runtimeWords('node')) {
  const dir = await tempDir();
  const root = join(dir.path, 'jobs');
  mkdirSync(root, { mode: 0o700 });
  const keeperWords = programWords('keeper', [root, '5000'], runtime);
  const jobs = openJobs(root, { keeper: 'process', keeperWords });
  const told = join(dir.path, 'told');
  const define = (command: string, more: Partial<JobDefinition> = {}): JobDefinition => ({
    command: [command],
    cwd: dir.path,
    shellWrapper: ['sh', '-c'],
    ...more,
  });
  const add = (command: string, more?: Partial<JobDefinition>) => {
    const launched = jobs.launch(define(command, more));
    launched.release();
    return launched.job;
  };
  return {
    root,
    jobs,
    keeperWords,
    path: dir.path,
    told,
    define,
    add,
    /** One that ends when a file of this name is there. */
    held: (name: string, more?: Partial<JobDefinition>) =>
      add(`until [ -e ${name} ]; do sleep 0.02; done`, { queue: 'q', ...more }),
    /** The same, once it runs. */
    async holds(name: string) {
      const job = this.held(name);
      await eventually('it runs', () => jobs.settle(job).status === 'running');
      return job;
    },
    release: (name: string) => writeFileSync(join(dir.path, name), ''),
    lines: () => (existsSync(told) ? readFileSync(told, 'utf8').trim().split('\n') : []),
    async [Symbol.asyncDispose]() {
      for (const { view } of jobs.list().jobs) {
        if (view.status === 'created' || view.status === 'running')
          await jobs.stop(view.job, { signal: 'KILL' }).catch(() => undefined);
      }
      await killKeeper(root);
      await jobs[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const statusOf = (jobs: Jobs, id: string) => jobs.settle(jobs.at(id)).status;
const endingOf = async (jobs: Jobs, id: string) => (await jobs.wait(jobs.at(id))).state?.ending;

describe('a queue', () => {
  it('runs one at a time, first in, first out', async () => {
    await using line = await lineRoot();
    const all = [1, 2, 3].map((number) => line.add(`echo ${number} >> told`, { queue: 'q' }));
    for (const { id } of all) expect(await endingOf(line.jobs, id)).toEqual({ kind: 'exited', exitCode: 0 });
    expect(line.lines()).toEqual(['1', '2', '3']);
  });

  it('runs as many as it has slots, and more as soon as it is told so', async () => {
    await using line = await lineRoot();
    line.jobs.setQueue('q', { slots: 2 });
    const all = [1, 2, 3, 4].map(() => line.held('go'));
    const running = () => line.jobs.queues()[0]?.running.length;
    await eventually('two run', () => running() === 2);
    expect(line.jobs.queues()).toEqual([
      { name: 'q', slots: 2, running: all.slice(0, 2).map(({ id }) => id), waiting: all.slice(2).map(({ id }) => id) },
    ]);
    expect(all.map((job) => line.jobs.describe(job).place?.position)).toEqual([undefined, undefined, 1, 2]);
    line.jobs.setQueue('q', { slots: 3 });
    await eventually('three run', () => running() === 3);
    line.release('go');
    for (const { id } of all) await line.jobs.wait(line.jobs.at(id));
  });

  it('with no slots starts nobody', async () => {
    await using line = await lineRoot();
    line.jobs.setQueue('q', { slots: 0 });
    const held = line.add('true', { queue: 'q' });
    const other = line.add('true', { queue: 'other' });
    expect(await endingOf(line.jobs, other.id)).toEqual({ kind: 'exited', exitCode: 0 });
    expect(statusOf(line.jobs, held.id)).toBe('created');
  });

  it.each(['', '../q', '-q', 'a.b', 'q'.repeat(65), 'a b', '__proto__'])('cannot be called %j', async (name) => {
    await using line = await lineRoot();
    expect(() => line.add('true', { queue: name })).toThrow('cannot define a job with this queue');
    expect(() => line.jobs.setQueue(name, { slots: 1 })).toThrow('is no name of a queue');
    expect(line.jobs.list().jobs).toEqual([]);
  });

  it.each([-1, 1.5, 1_001, Number.NaN])('cannot have %d slots', async (slots) => {
    await using line = await lineRoot();
    expect(() => line.jobs.setQueue('q', { slots })).toThrow('a queue cannot have');
  });

  it('gives a job the environment and the input of whoever put it into line, and keeps them from others', async () => {
    await using line = await lineRoot();
    const first = line.held('go');
    const envFile = join(line.path, 'env');
    writeFileSync(envFile, 'FROM_FILE=then\n');
    const jobs = openJobs(line.root, {
      keeper: 'process',
      keeperWords: line.keeperWords,
      env: { PATH: process.env.PATH, SECRET: 's3cret' },
    });
    const { job, release } = jobs.launch(
      line.define('cat; echo "$SECRET $FROM_FILE $GIVEN"; env | grep -c HOME', {
        queue: 'q',
        stdin: Buffer.from('input\n'),
        envFiles: [envFile],
        env: ['GIVEN=given'],
        mask: ['GIVEN'],
      }),
    );
    release();
    writeFileSync(envFile, 'FROM_FILE=now\n');
    for (const file of readdirSync(job.path)) {
      const path = join(job.path, file);
      expect([file, statSync(path).mode & 0o077]).toEqual([file, 0]);
      const secret = /s3cret/.test(readFileSync(path, 'utf8'));
      expect([file, secret]).toEqual([file, file === 'environment.json']);
    }
    line.release('go');
    await jobs.wait(first);
    await jobs.wait(job);
    expect(readFileSync(pathOf(job, 'stdout'), 'utf8')).toBe('input\ns3cret then given\n0\n');
    expect(existsSync(pathOf(job, 'environment'))).toBe(false);
  });

  it('is there for a job that was created before, and for its next run', async () => {
    await using line = await lineRoot();
    const first = await line.holds('go');
    const job = line.jobs.create(line.define('echo ran >> told', { queue: 'q' }));
    expect(line.jobs.describe(job).place).toBeUndefined();
    line.jobs.start(job).release();
    expect(line.jobs.describe(job).place).toEqual({ position: 1, waitsFor: [] });
    expect(() => line.jobs.start(job)).toThrow('it waits for its turn already');
    line.release('go');
    await line.jobs.wait(first);
    expect(await endingOf(line.jobs, job.id)).toEqual({ kind: 'exited', exitCode: 0 });
    (await line.jobs.restart(job)).release();
    await eventually('it has run again', () => line.lines().length === 2);
    expect(await endingOf(line.jobs, job.id)).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('puts a job that waits at its end when it is restarted', async () => {
    await using line = await lineRoot();
    const first = await line.holds('go');
    const [second, third] = [line.add('echo 2 >> told', { queue: 'q' }), line.add('echo 3 >> told', { queue: 'q' })];
    (await line.jobs.restart(second)).release();
    expect([second, third].map((job) => line.jobs.describe(job).place?.position)).toEqual([2, 1]);
    line.release('go');
    for (const { id } of [first, second, third]) await line.jobs.wait(line.jobs.at(id));
    expect(line.lines()).toEqual(['3', '2']);
  });

  it('lets go of a job that is killed or deleted while it waits', async () => {
    await using line = await lineRoot();
    const first = await line.holds('go');
    const [second, third, fourth] = [2, 3, 4].map((number) => line.add(`echo ${number} >> told`, { queue: 'q' }));
    if (!second || !third || !fourth) throw new Error('no jobs');
    const waited = line.jobs.wait(second);
    const { view, report } = await line.jobs.stop(second);
    expect([view.status, view.state?.ending, report]).toEqual([
      'failed',
      { kind: 'not_started', reason: 'killed by user while it waited for its turn' },
      undefined,
    ]);
    expect((await waited).status).toBe('failed');
    line.jobs.delete(third);
    line.release('go');
    await line.jobs.wait(first);
    await line.jobs.wait(fourth);
    expect(line.lines()).toEqual(['4']);
  });

  it('answers who watches or observes a job that waits', async () => {
    await using line = await lineRoot();
    const first = line.held('go');
    const launched = line.jobs.launch(line.define('echo printed', { queue: 'q' }));
    expect((await line.jobs.observe(launched, { timeoutMs: 50 })).view.status).toBe('created');
    let text = '';
    const followed = line.jobs.follow(launched.job, {
      bytesMax: 1_000,
      signal: new AbortController().signal,
      onGap: () => undefined,
      onText(_, more) {
        text += more;
        return undefined;
      },
    });
    const observed = line.jobs.observe(launched);
    line.release('go');
    expect((await observed).view.state?.ending).toEqual({ kind: 'exited', exitCode: 0 });
    await followed;
    expect(text).toBe('printed\n');
    await line.jobs.wait(first);
  });

  it('is not where the keeper is this program', async () => {
    await using dir = await tempDir();
    await using jobs = openJobs(dir.path, { keeper: 'here' });
    expect(() => jobs.launch({ command: ['true'], cwd: dir.path, queue: 'q' })).toThrow(
      'no job can wait for its turn here',
    );
    expect(readdirSync(dir.path)).toEqual([]);
  });
});

describe('a job that waits for others', () => {
  it('starts when they have ended as they must', async () => {
    await using line = await lineRoot();
    const [good, bad] = [
      line.held('go', { queue: 'good' }),
      line.add('until [ -e bad ]; do sleep 0.02; done; exit 1', { queue: 'bad' }),
    ];
    const after = [
      { job_id: good.id, on: 'success' },
      { job_id: bad.id, on: 'any' },
    ] as const;
    const job = line.add('echo ran >> told', { after });
    expect(line.jobs.describe(job).place).toEqual({ position: undefined, waitsFor: [good.id, bad.id] });
    line.release('bad');
    await line.jobs.wait(bad);
    expect(statusOf(line.jobs, job.id)).toBe('created');
    line.release('go');
    expect(await endingOf(line.jobs, job.id)).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('is not started when one did not, nor is who waits for it', async () => {
    await using line = await lineRoot();
    const bad = line.add('exit 3', { queue: 'q' });
    const next = line.add('true', { queue: 'q', after: [{ job_id: bad.id, on: 'success' }] });
    const last = line.add('true', { after: [{ job_id: next.id, on: 'success' }] });
    const anyway = line.add('true', { after: [{ job_id: next.id, on: 'any' }] });
    expect(await endingOf(line.jobs, last.id)).toEqual({
      kind: 'not_started',
      reason: `it waited for the success of job ${next.id}, which was not started`,
    });
    expect(await endingOf(line.jobs, next.id)).toEqual({
      kind: 'not_started',
      reason: `it waited for the success of job ${bad.id}, which exited with 3`,
    });
    expect(await endingOf(line.jobs, anyway.id)).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('tells its sinks when it is not started', async () => {
    await using line = await lineRoot();
    const bad = line.add('exit 3', { queue: 'q' });
    const job = line.add('true', {
      after: [{ job_id: bad.id, on: 'success' }],
      notification: { notify_file: line.told },
    });
    await line.jobs.wait(job);
    await eventually('the sink was told', () => line.lines().length === 1);
    expect(JSON.parse(line.lines()[0] ?? '')).toMatchObject({ job_id: job.id, state: 'failed', ending: 'not_started' });
  });

  it('waits for one that was only created, until somebody starts it', async () => {
    await using line = await lineRoot();
    const first = line.jobs.create(line.define('true'));
    const job = line.add('true', { after: [{ job_id: first.id, on: 'success' }] });
    await eventually('a keeper lives', () => liveKeeper(line.root));
    line.jobs.start(first).release();
    expect(await endingOf(line.jobs, job.id)).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('keeps what it waits for from being deleted', async () => {
    await using line = await lineRoot();
    line.jobs.setQueue('q', { slots: 0 });
    const first = line.add('true', { queue: 'first' });
    await line.jobs.wait(first);
    const job = line.add('true', { queue: 'q', after: [{ job_id: first.id, on: 'success' }] });
    expect(() => line.jobs.delete(first)).toThrow(`job ${job.id} waits for it`);
    expect(
      line.jobs
        .deleteAll(line.path)
        .jobs.map(({ jobId, reason }) => [jobId, reason])
        .sort(),
    ).toEqual(
      [
        [first.id, 'waited_for'],
        [job.id, 'created'],
      ].sort(),
    );
    expect(line.jobs.prune({ olderThanMs: -10_000 }).deleted).toBe(0);
    await line.jobs.stop(job);
    expect(line.jobs.prune({ olderThanMs: -10_000 }).deleted).toBe(2);
  });

  it('is refused, whoever wrote what it waits for', async () => {
    await using line = await lineRoot();
    line.jobs.setQueue('q', { slots: 0 });
    const job = line.add('true', { queue: 'q' });
    const meta = JSON.parse(readFileSync(pathOf(job, 'meta'), 'utf8'));
    writeFileSync(pathOf(job, 'meta'), JSON.stringify({ ...meta, after: [{ job_id: job.id, on: 'success' }] }));
    await killKeeper(line.root);
    expect(await endingOf(line.jobs, job.id)).toEqual({
      kind: 'not_started',
      reason: `it waited for itself: ${job.id} waits for ${job.id}`,
    });
  });
});

describe('the line', () => {
  it('outlives its keeper: a launch that had begun is begun again, and meanwhile nobody overtakes it', async () => {
    await using line = await lineRoot();
    line.jobs.setQueue('q', { slots: 0 });
    const [first, second] = [line.add('echo 1 >> told', { queue: 'q' }), line.add('echo 2 >> told', { queue: 'q' })];
    await eventually('a keeper lives', () => liveKeeper(line.root));
    await killKeeper(line.root);
    // What a keeper leaves that is killed between taking the record and starting the shim.
    writeFileSync(pathOf(first, 'record'), '\n', { mode: 0o600 });
    line.jobs.setQueue('q', { slots: 2 });
    await eventually('the next keeper lives', () => liveKeeper(line.root));
    expect([first, second].map(({ id }) => statusOf(line.jobs, id))).toEqual(['created', 'created']);
    const longAgo = new Date(Date.now() - 60_000);
    utimesSync(pathOf(first, 'record'), longAgo, longAgo);
    for (const job of [first, second]) await line.jobs.wait(job);
    expect(line.lines().toSorted()).toEqual(['1', '2']);
  });

  it('never gives out a number twice', async () => {
    await using line = await lineRoot();
    const numbers = [];
    for (let round = 0; round < 3; round++) {
      await killKeeper(line.root);
      const job = line.add('true', { queue: 'q' });
      numbers.push(readTickets(line.root).at(-1)?.number);
      await line.jobs.wait(job);
    }
    expect(numbers).toEqual([1, 2, 3]);
    await eventually('only the last ticket is left', () => readTickets(line.root).length === 1);
  });

  it('passes over what is no ticket, and what nobody can read', async () => {
    await using line = await lineRoot();
    const dir = join(line.root, '.host', 'queue');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of ['x', '1.q.job', '000000000001.q', '000000000001.../q.x', '000000000002.q.no-such-job'])
      if (!name.includes('/')) writeFileSync(join(dir, name), '');
    writeFileSync(join(line.root, '.host', 'queues.json'), '{"queues": []');
    const job = line.add('true', { queue: 'q' });
    expect(await endingOf(line.jobs, job.id)).toEqual({ kind: 'exited', exitCode: 0 });
  });

  it('says when a number is there that no other can follow', async () => {
    await using line = await lineRoot();
    const dir = join(line.root, '.host', 'queue');
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    writeFileSync(join(dir, '999999999999.q.job'), '');
    expect(() => line.add('true', { queue: 'q' })).toThrow('holds a number that no other can follow');
  });

  it('of a newer version is not changed', async () => {
    await using line = await lineRoot();
    mkdirSync(join(line.root, '.host'), { mode: 0o700 });
    const path = join(line.root, '.host', 'queues.json');
    writeFileSync(path, '{"version": 2, "queues": {"q": {"slots": 4}}}');
    expect(() => line.jobs.setQueue('q', { slots: 1 })).toThrow('was written by a newer version');
    expect(readFileSync(path, 'utf8')).toContain('"version": 2');
  });
});

it('many jobs from many callers, keepers killed all the time: each runs once, in order, never more than there are slots', async () => {
  // On Bun, where a keeper is there in a tenth of the time, to be killed again.
  const bun = runtimeWords('bun');
  await using line = await lineRoot(bun);
  const [slots, callers, each] = [3, 3, 20];
  line.jobs.setQueue('three', { slots });
  const define = (caller: number, at: number) => {
    const queue = at % 2 === 0 ? 'one' : 'three';
    const told = (sign: string) => `echo "${sign}${queue} ${caller} ${at}" >> told`;
    return { command: [`${told('+')}; sleep 0.01; ${told('-')}`], cwd: line.path, queue };
  };
  const putInto = async (caller: number): Promise<string[]> => {
    const definitions = Array.from({ length: each }, (_, at) => define(caller, at));
    const words = [line.root, JSON.stringify(line.keeperWords), JSON.stringify(definitions)];
    return (await startProgram('line-up', words, [], bun).output).split('\n');
  };
  const putting = Promise.all(Array.from({ length: callers }, (_, caller) => putInto(caller)));
  const isOver = () => line.lines().length === 2 * callers * each;
  for (let kill = 0; kill < 20 && !isOver(); kill++) {
    const keeper = await eventually('a keeper lives', () => {
      line.jobs.list({ state: 'created' });
      return isOver() ? 'none' : liveKeeper(line.root);
    });
    const before = line.lines().length;
    await eventually(
      'something has happened',
      () => line.lines().length > before || isOver() || !liveKeeper(line.root),
    );
    if (keeper !== 'none') sendSignal(keeper, 'SIGKILL', 'process');
  }
  for (const id of (await putting).flat())
    expect(await endingOf(line.jobs, id)).toEqual({ kind: 'exited', exitCode: 0 });
  const told = line.lines();
  const begunIn = (queue: string, caller: number): number[] =>
    told.filter((text) => text.startsWith(`+${queue} ${caller} `)).map((text) => Number(text.split(' ')[2]));
  const numbers = Array.from({ length: each }, (_, at) => at);
  for (let caller = 0; caller < callers; caller++) {
    // With one slot the order in which they say that they have begun is the one in which they were started.
    expect(begunIn('one', caller)).toEqual(numbers.filter((at) => at % 2 === 0));
    expect(begunIn('three', caller).toSorted((a, b) => a - b)).toEqual(numbers.filter((at) => at % 2 === 1));
  }
  const most = { one: 0, three: 0 };
  const running = { one: 0, three: 0 };
  for (const text of told) {
    const queue = text.slice(1).startsWith('one') ? 'one' : 'three';
    running[queue] += text.startsWith('+') ? 1 : -1;
    most[queue] = Math.max(most[queue], running[queue]);
  }
  expect([most.one, most.three <= slots]).toEqual([1, true]);
}, 60_000);
