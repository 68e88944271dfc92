/** Jobs that take their turn, as people and agents meet them; docs/guide/queue.md is tried line by line. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Json, jobsRoot, program } from './program.ts';

const page = readFileSync(new URL('../../../docs/guide/queue.md', import.meta.url), 'utf8');
const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block);

type Root = Awaited<ReturnType<typeof jobsRoot>>;

/** Puts a job into a queue that runs until a file is there. */
const hold = (jobs: Root, name: string, ...more: string[]): Promise<Json> =>
  jobs.answer(['run', '--no-wait', '--queue', 'q', ...more, `until [ -e ${name} ]; do sleep 0.05; done`]);

/** The same, once it runs and has its slot. */
async function holdSlot(jobs: Root, name: string): Promise<Json> {
  const job = await jobs.answer([
    'run',
    '--no-wait',
    '--queue',
    'q',
    `echo held; until [ -e ${name} ]; do sleep 0.05; done`,
  ]);
  await jobs.answer(['wait', '--match', 'held', String(job.job_id)]);
  return job;
}

const idOf = ({ job_id }: Json): string => String(job_id);

it('every call of the guide works', async () => {
  await using jobs = await jobsRoot();
  const quoted = program.map((word) => `'${word}'`).join(' ');
  const script = `kanade() { ${quoted} "$@"; }\n${blocks.join('\n')}`;
  const { stdout, stderr } = await jobs.call(['-ec', script], { words: ['bash', '--norc'] });
  expect(stderr).toBe('');
  const answers = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Json);
  expect(answers.map(({ type, ok }) => [type, ok])).toEqual(
    ['run', 'run', 'queue.set', 'queue.list', 'run', 'run', 'list', 'status', 'wait'].map((type) => [type, true]),
  );
  expect(answers.slice(4, 6)).toMatchObject([{ stdout: 'installed\n' }, { stdout: 'cleaned up\n' }]);
  const [made] = ((answers[6]?.jobs ?? []) as Json[]).filter(({ dependents }) => dependents);
  const below = ((made?.dependents ?? []) as Json[]).map(({ command }) => (command as string[])[1]);
  expect(below.toSorted()).toEqual(['cleaned', 'installed']);
});

describe('a job that waits', () => {
  it('is created, and every answer says where it stands; its turn comes with the environment and input of its call', async () => {
    await using jobs = await jobsRoot();
    const first = await holdSlot(jobs, 'go');
    const turn = { state: 'created', queue: 'q', position: 1 };
    const second = await jobs.answer(['run', '--until', '0', '--queue', 'q', '--stdin', 'input', 'cat; echo " $WHO"'], {
      env: { WHO: 'caller' },
    });
    const third = await jobs.answer(['create', '--queue', 'q', '--after', idOf(second), '--', 'echo', 'third']);
    expect(second).toMatchObject({ type: 'run', ...turn, waited_ms: 0, stdout: '' });
    expect(third).toMatchObject({ state: 'created', queue: 'q', after: [{ job_id: second.job_id, on: 'success' }] });
    expect(third).not.toHaveProperty('position');
    const started = await jobs.answer(['start', '--no-wait', idOf(third)]);
    expect(started).toMatchObject({ type: 'start', state: 'created', position: 2, waits_for: [second.job_id] });
    expect(await jobs.answer(['status', idOf(second)])).toMatchObject(turn);
    expect(await jobs.answer(['wait', '--until', '0', idOf(second)])).toMatchObject(turn);
    expect(await jobs.answer(['queue', 'list'])).toMatchObject({
      queues: [{ queue: 'q', slots: 1, running: [first.job_id], waiting: [second.job_id, third.job_id] }],
    });
    const { stdout } = await jobs.call(['status', '--human', idOf(third)]);
    expect(stdout).toContain(`waiting in queue q, position 2, for ${idOf(second).slice(0, 7)}`);
    const watched = jobs.call(['watch', idOf(second)]);
    writeFileSync(`${jobs.path}/go`, '');
    expect(await jobs.answer(['wait', idOf(third)])).toMatchObject({
      state: 'exited',
      exit_code: 0,
      stdout: 'third\n',
    });
    expect((await watched).stdout).toBe('input caller\n');
  });

  it('is killed, restarted and refused as it is said', async () => {
    await using jobs = await jobsRoot();
    await holdSlot(jobs, 'go');
    const [second, third] = [await hold(jobs, 'go'), await hold(jobs, 'go')];
    const last = await jobs.answer(['run', '--no-wait', '--after', idOf(second), '--', 'true']);
    expect(await jobs.answer(['restart', '--no-wait', idOf(second)])).toMatchObject({ state: 'created', position: 2 });
    expect(await jobs.answer(['status', idOf(third)])).toMatchObject({ position: 1 });
    expect(await jobs.answer(['start', idOf(second)])).toMatchObject({ error: { code: 'invalid_state' } });
    expect(await jobs.answer(['kill', '--signal', 'USR1', idOf(second)])).toMatchObject({
      error: { code: 'invalid_state' },
    });
    expect(await jobs.answer(['kill', idOf(second)])).toMatchObject({
      state: 'failed',
      ending: 'not_started',
      error: 'killed by user while it waited for its turn',
    });
    expect(await jobs.answer(['wait', idOf(last)])).toMatchObject({
      state: 'failed',
      ending: 'not_started',
      error: `it waited for the success of job ${second.job_id}, which was not started`,
    });
    writeFileSync(`${jobs.path}/go`, '');
    expect(await jobs.answer(['wait', idOf(third)])).toMatchObject({ state: 'exited' });
  });

  it('stands below those that it waits for in a tree', async () => {
    await using jobs = await jobsRoot();
    const first = await hold(jobs, 'go');
    const second = await hold(jobs, 'go', '--after', idOf(first));
    const third = await jobs.answer(['run', '--no-wait', '--after-any', idOf(second), '--', 'echo', 'third']);
    const { jobs: trees } = await jobs.answer(['list', '--tree']);
    expect(trees).toMatchObject([
      { job_id: first.job_id, dependents: [{ job_id: second.job_id, dependents: [{ job_id: third.job_id }] }] },
    ]);
    expect(trees).toHaveLength(1);
    const { stdout } = await jobs.call(['list', '--tree', '--human']);
    const rows = stdout.split('\n').map((row) => /^[ └├─│]*[0-9a-f]{7}/.exec(row)?.[0]);
    const [one, two, three] = [first, second, third].map((job) => idOf(job).slice(0, 7));
    expect(rows.slice(1, 4)).toEqual([one, `└─ ${two}`, `   └─ ${three}`]);
    const completed = (...words: string[]) =>
      jobs.call(['--', 'kanade', ...words], {
        env: { COMPLETE: 'bash', _CLAP_COMPLETE_INDEX: String(words.length) },
      });
    expect((await completed('run', '--after', idOf(first))).stdout).toBe(idOf(first));
    const killable = (await completed('kill', '')).stdout.split('\n');
    expect(killable.toSorted()).toEqual([first, second, third].map(idOf).toSorted());
    for (const words of [
      ['run', '--queue', ''],
      ['queue', 'set', ''],
    ])
      expect((await completed(...words)).stdout).toBe('q');
    writeFileSync(`${jobs.path}/go`, '');
    await jobs.answer(['wait', idOf(third)]);
  });

  it('is taken up by whoever looks, when its keeper was killed', async () => {
    await using jobs = await jobsRoot();
    await holdSlot(jobs, 'go');
    const second = await jobs.answer(['run', '--no-wait', '--queue', 'q', '--', 'echo', 'second']);
    const host = `${jobs.root}/.host/host.json`;
    const keeper = () => (JSON.parse(readFileSync(host, 'utf8')) as { pid: number }).pid;
    const killed = keeper();
    process.kill(killed, 'SIGKILL');
    writeFileSync(`${jobs.path}/go`, '');
    expect(await jobs.answer(['wait', idOf(second)])).toMatchObject({ state: 'exited', stdout: 'second\n' });
    expect(keeper()).not.toBe(killed);
  });
});

describe('is refused', () => {
  it.each([
    [['run', '--queue', '../q', '--', 'true'], 'not a name of a queue'],
    [['run', '--queue', '', '--', 'true'], 'not a name of a queue'],
    [['queue', 'set', 'a b', '--slots', '1'], 'not a name of a queue'],
    [['queue', 'set', 'q'], '--slots is missing'],
    [['queue', 'set', '--slots', '1'], 'NAME is missing'],
    [['queue', 'set', 'q', '--slots', '-1'], 'whole number'],
    [['queue'], '"queue list", "queue set"'],
  ])('%j as a call that makes no sense', async (args, text) => {
    await using jobs = await jobsRoot();
    const { status, stdout, stderr } = await jobs.call(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain(text);
  });

  it.each([
    [['run', '--after', 'no-such-job', '--', 'true'], 'job_not_found'],
    [['run', '--after-any', '../x', '--', 'true'], 'job_not_found'],
    [['queue', 'set', 'q', '--slots', '1001'], 'invalid_input'],
  ])('%j with an error', async (args, code) => {
    await using jobs = await jobsRoot();
    expect(await jobs.answer(args)).toMatchObject({ status: 1, error: { code } });
    expect(await jobs.answer(['list', '--all'])).toMatchObject({ jobs: [] });
  });
});
