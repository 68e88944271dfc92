/**
 * A disk that takes nothing more: full, out of inodes, read-only, or failing. Stop, status and one error result still work, no ending is made
 * up, and when there is room again the work goes on without a restart.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openSmallDisk } from './own-mounts.ts';
import { openPlainBroker, orderOf } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { openSite, processesOf, type Site, workloadsOf } from './site.ts';

const full = [
  ['bytes', 'size=2m'],
  ['inodes', 'size=64m,nr_inodes=100'],
] as const;

/** A script that has begun, and ends with a code when a file is there. */
const held = (go: string, code = 0): string => `echo begun; while [ ! -e ${go} ]; do sleep 0.02; done; exit ${code}`;

describe.each(full)('a jobs root without room for %s', (what, options) => {
  it('run is one error; status, list, tail and kill work; endings are true, then and later', async () => {
    await using disk = await openSmallDisk({ options });
    await using site = await openSite({ place: disk.path, before: disk.before });
    const begun = async (code: number, go: string): Promise<string> => {
      const run = await site.answer([
        'run',
        '--no-wait',
        '--no-auto-gc',
        '--',
        'sh',
        '-c',
        held(`${site.path}/${go}`, code),
      ]);
      await eventually('it has begun', () => readFileSync(disk.seen(String(run.stdout_log_path)), 'utf8') !== '');
      return String(run.job_id);
    };
    const stopped = await begun(0, 'never');
    const ending = await begun(7, 'go');
    disk.fill(what);
    const refused = await site.answer(['run', '--timeout', '60', '--', 'true']);
    expect(refused).toMatchObject({ ok: false, status: 1, error: { message: expect.stringContaining('ENOSPC') } });
    expect(await site.answer(['status', stopped])).toMatchObject({ state: 'running' });
    expect(await site.answer(['tail', stopped])).toMatchObject({ ok: true, stdout: 'begun\n' });
    writeFileSync(`${site.path}/go`, '');
    expect(await site.answer(['wait', '--until', '20', ending])).toMatchObject({ state: 'exited', exit_code: 7 });
    expect(await site.answer(['kill', stopped])).toMatchObject({ ok: true, survivors: [] });
    const { jobs } = (await site.answer(['list', '--all'])) as unknown as { jobs: { job_id: string; state: string }[] };
    const stateOf = (id: string) => jobs.find(({ job_id }) => job_id === id)?.state;
    expect([stateOf(ending), stateOf(stopped)]).toEqual(['exited', 'killed']);
    disk.free();
    expect(await site.answer(['status', stopped])).toMatchObject({ state: 'killed' });
    expect(await site.answer(['status', ending])).toMatchObject({ state: 'exited', exit_code: 7 });
    expect(await site.answer(['run', '--', 'echo', 'room'])).toMatchObject({ state: 'exited', stdout: 'room\n' });
  });
});

it('a jobs root that is read-only: what is there can be read, the rest is one error, and works again later', async () => {
  await using disk = await openSmallDisk({ options: 'size=8m' });
  await using site = await openSite({ place: disk.path, before: disk.before });
  const ended = String((await site.answer(['run', '--no-auto-gc', '--', 'sh', '-c', 'echo out; exit 3'])).job_id);
  const created = String((await site.answer(['create', '--', 'echo', 'later'])).job_id);
  await eventually('nothing is written any more', () => {
    try {
      disk.remount('ro');
      return true;
    } catch {
      return false; // a keeper holds its lock until it has been idle for a while
    }
  });
  expect(await site.answer(['status', ended])).toMatchObject({ state: 'exited', exit_code: 3 });
  expect(await site.answer(['tail', ended])).toMatchObject({ stdout: 'out\n' });
  expect((await site.answer(['list', '--all'])).jobs).toHaveLength(2);
  for (const words of [
    ['run', '--', 'true'],
    ['start', created],
    ['restart', ended],
    ['delete', ended],
    ['tag', 'set', '--tag', 'x', ended],
  ]) {
    const refused = await site.answer(words);
    expect([words[0], refused.ok, refused.status, JSON.stringify(refused)]).toEqual([
      words[0],
      false,
      1,
      expect.stringMatching(/EROFS|read-only/i),
    ]);
  }
  disk.remount('rw');
  expect(await site.answer(['start', created])).toMatchObject({ state: 'exited', stdout: 'later\n' });
  expect(await site.answer(['status', ended])).toMatchObject({ state: 'exited', exit_code: 3 });
});

describe('a file of a job that cannot be read (EIO)', () => {
  it.each(['state.json', 'meta.json', 'ending', 'stdout.log', 'full.log'])(
    '%s: every answer is one line, other jobs are not concerned, the job can be stopped, and no success is made up',
    async (file) => {
      await using disk = await openSmallDisk({ options: 'size=8m' });
      await using site = await openSite({ place: disk.path, before: disk.before });
      const other = String((await site.answer(['run', '--no-auto-gc', '--', 'echo', 'other'])).job_id);
      const run = await site.answer(['run', '--no-wait', '--no-auto-gc', '--', 'sh', '-c', held(`${site.path}/go`)]);
      const id = String(run.job_id);
      await eventually('it has begun', () => readFileSync(disk.seen(String(run.stdout_log_path)), 'utf8') !== '');
      disk.damage(`${site.root}/${id}/${file}`);
      for (const words of [
        ['status', id],
        ['tail', id],
        ['wait', '--until', '1', id],
      ]) {
        const { status, stdout, stderr } = await site.call(words);
        expect([words[0], status === 0 || status === 1, stderr]).toEqual([words[0], true, '']);
        expect(JSON.parse(stdout)).not.toHaveProperty('exit_code', 0);
      }
      const { jobs } = (await site.answer(['list', '--all'])) as unknown as {
        jobs: { job_id: string; state: string }[];
      };
      expect(jobs.find(({ job_id }) => job_id === other)).toMatchObject({ state: 'exited' });
      expect(await site.answer(['run', '--', 'echo', 'new'])).toMatchObject({ state: 'exited', stdout: 'new\n' });
      await site.answer(['kill', id]);
      disk.repair(`${site.root}/${id}/${file}`);
      expect(await site.answer(['kill', id])).toMatchObject({ ok: true });
      await eventually('nothing of it runs', () => processesOf(id).length === 0);
      const ended = await site.answer(['status', id]);
      expect(['killed', 'failed']).toContain(ended.state);
    },
  );
});

describe.each([
  ['bytes', 'size=32m'],
  ['inodes', 'size=64m,nr_inodes=200'],
] as const)('an agent without room for %s', (what, options) => {
  it('lists and stops, answers a click once, and delivers everything when there is room again, without a restart', async () => {
    const server = (await natsServers()).at(-1);
    await using broker = await startNatsServer({ path: server?.path ?? '' });
    await using disk = await openSmallDisk({ options });
    await using site = await openSite({ place: disk.path, before: disk.before });
    const env = { KANADE_NATS_URL: broker.url };
    await site.answer(['fleet', 'setup'], { env });
    await using operator = await openPlainBroker(broker.url, ['results.>']);
    site.offer('held', held(`${site.path}/go`));
    site.offer('quick', 'echo quick');
    const agent = site.startAgent(['--server', broker.url], { env });
    await agent.ready();
    await using person = await openPlainPerson(site.socket);
    const run = await person.start('held');
    await eventually('it has begun', () => person.pushes(run).some(({ stdout_chunk }) => stdout_chunk === 'begun\n'));

    disk.fill(what);
    expect((await person.call('jobs.list')).items).toHaveLength(2);
    const clicked = await person.ask('jobs.execute', { id: 'quick' });
    if (!clicked.error) {
      const end = await person.end(String(clicked.result?.run_id));
      if (end.status === 'completed') expect(end.stdout_chunk).toBe('quick\n');
    }
    const order = orderOf('echo ordered');
    await operator.publish('commands.pc.pc-1', order);
    await person.call('jobs.kill', { run_id: run });
    await eventually('nothing of the stopped run is left', () => sleepersOf(site).length === 0);
    expect(await person.call('system.ping')).toHaveProperty('agent_time');

    disk.free();
    // Who asked is known only where the request could be written down.
    expect(['killed', 'failed']).toContain((await person.end(run)).status);
    await eventually('the order has its result', () =>
      operator.results().some(({ request_id }) => request_id === order.request_id),
    );
    const results = () => operator.results().filter(({ request_id }) => request_id === order.request_id);
    expect(new Set(results().map((result) => JSON.stringify(result))).size).toBe(1);
    if (results()[0]?.exit_code === 0) expect(results()[0]?.stdout).toBe('ordered\n');
    await eventually('the stopped run is delivered', () =>
      operator.results().some(({ stdout, exit_code }) => stdout === 'begun\n' && exit_code !== 0),
    );
    expect(await person.end(await person.start('quick'))).toMatchObject({
      status: 'completed',
      stdout_chunk: 'quick\n',
    });
    expect(agent.child.exitCode).toBe(null);
  });
});

/** What the held script runs. */
const sleepersOf = (site: Site): number[] => workloadsOf(site.path).concat(processesOf(`${site.path}/go`));

it('an agent whose jobs cannot be read (EIO) ends the run, with an ending that is no success made up, and goes on', async () => {
  await using disk = await openSmallDisk({ options: 'size=64m' });
  await using site = await openSite({ place: disk.path, before: disk.before });
  site.offer('held', held(`${site.path}/go`));
  site.offer('quick', 'echo quick');
  const agent = site.startAgent();
  await agent.ready();
  await using person = await openPlainPerson(site.socket);
  const run = await person.start('held');
  await eventually('it has begun', () => person.pushes(run).some(({ stdout_chunk }) => stdout_chunk === 'begun\n'));
  const [job] = readdirSync(disk.seen(`${site.data}/jobs`)).filter((name) => /^[0-9a-f]{32}$/.test(name));
  disk.damage(`${site.data}/jobs/${job}/stdout.log`);
  writeFileSync(`${site.path}/go`, '');
  const end = await person.end(run);
  if (end.status === 'completed') expect(String(end.stderr_chunk ?? '') + String(end.stdout_chunk ?? '')).not.toBe('');
  expect(await person.end(await person.start('quick'))).toMatchObject({ status: 'completed', stdout_chunk: 'quick\n' });
  expect(existsSync(site.socket)).toBe(true);
});
