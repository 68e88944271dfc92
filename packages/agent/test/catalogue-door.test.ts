import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { identify } from '@kanade/runner/process';
import { outputKey } from '@kanade/shared/fleet';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { openPerson } from './person.ts';
import { queuedResults } from './records.ts';

describe('a click on a job', () => {
  it('runs it, shows its output while it runs, and its end', async () => {
    const site = await openSite();
    site.putJob(
      'slow.yaml',
      jobYaml({
        id: 'slow',
        script: `echo begun; until [ -e ${site.path}/go ]; do sleep 0.05; done; echo done; echo warned >&2`,
      }),
    );
    site.putJob('go.yaml', jobYaml({ id: 'go', script: `touch ${site.path}/go` }));
    const agent = await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('slow');
    await person.sees(runId, /begun/);
    await person.end(await person.start('go'));
    const last = await person.end(runId);
    expect(last).toMatchObject({
      job_id: 'slow',
      status: 'completed',
      exit_code: 0,
      stdout_chunk: 'begun\ndone\n',
      stderr_chunk: 'warned\n',
    });
    const statuses = person.pushes(runId).map(({ status }) => status);
    expect(statuses.filter((status) => status === 'completed')).toHaveLength(1);
    expect(statuses.indexOf('running')).toBeLessThan(statuses.indexOf('completed'));
    const { items } = await person.call('jobs.list');
    expect(items.find(({ id }) => id === 'slow')?.last_run).toMatchObject({
      run_id: runId,
      status: 'completed',
      exit_code: 0,
    });
    await agent.end();
    expect(queuedResults(site.data).find(({ result_id }) => result_id === runId)).toMatchObject({
      pc_id: 'pc-1',
      manifest_id: 'slow',
      exit_code: 0,
      skipped: false,
      ending: 'exited',
      stdout: 'begun\ndone\n',
    });
  });

  it('takes null in params for a param left out', async () => {
    const site = await openSite();
    site.putJob('hello.yaml', jobYaml({ id: 'hello', script: 'echo hello' }));
    await site.start();
    const person = await openPerson(site.socket);
    const call = person.call as (method: string, params: unknown) => Promise<unknown>;
    expect(await call('jobs.list', { category: null })).toMatchObject({ items: [{ id: 'hello' }] });
  });

  it.each([
    ['a failure', { script: 'echo no >&2; exit 3' }, { status: 'failed', exit_code: 3, stderr_chunk: 'no\n' }],
    [
      'a time-out',
      { script: 'sleep 60', timeout: '1s' },
      { status: 'failed', exit_code: -1, stderr_chunk: 'timeout after 1s\n' },
    ],
    [
      'death by a signal',
      { script: 'kill -9 $$' },
      { status: 'failed', exit_code: -1, stderr_chunk: '[agent: ended by signal 9]\n' },
    ],
    ['an exit code that looks like a signal', { script: 'exit 137' }, { status: 'failed', exit_code: 137 }],
    [
      'a directory that is not there',
      { script: 'true', cwd: '/nowhere' },
      { status: 'failed', exit_code: -1, stderr_chunk: expect.stringContaining('/nowhere') },
    ],
    [
      'a shell that is not installed',
      { script: 'Get-Date', shell: 'pwsh' },
      {
        status: 'failed',
        exit_code: 122,
        stderr_chunk: expect.stringMatching(/^cannot run on this machine: pwsh is not installed \(looked in PATH\)/),
      },
    ],
    [
      'a shell of another system',
      { script: 'dir', shell: 'cmd' },
      { status: 'failed', exit_code: 122, stderr_chunk: expect.stringContaining('Windows only') },
    ],
    [
      'a script longer than an argument may be',
      { script: `echo ${'# '.padEnd(150_000, 'x')}\nexit 4` },
      { status: 'failed', exit_code: 4 },
    ],
  ])(
    'ends %s as what it is',
    async (_, { cwd, ...job }: { script: string; cwd?: string; shell?: string; timeout?: string }, expected) => {
      const site = await openSite();
      const yaml = jobYaml({ id: 'job', ...job });
      site.putJob('job.yaml', cwd === undefined ? yaml : yaml.replace('execute:', `execute:\n  cwd: ${cwd}`));
      await site.start({ env: { PATH: '/usr/bin:/bin' } });
      const person = await openPerson(site.socket);
      expect(await person.end(await person.start('job'))).toMatchObject(expected);
    },
  );

  it('cuts the last push of a long output and keeps the whole of it for the result', async () => {
    const site = await openSite();
    site.putJob('long.yaml', jobYaml({ id: 'long', script: 'head -c 1000000 /dev/zero; echo end' }));
    const agent = await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('long');
    const { stdout_chunk = '' } = await person.end(runId);
    expect(stdout_chunk).toMatch(/^\0+\n\.\.\.\[truncated: output exceeded 256 KiB\]\n$/);
    await agent.end();
    expect(queuedResults(site.data)).toMatchObject([{ stdout: '', stdout_object: outputKey(runId, 'stdout') }]);
    const [jobDir = ''] = readdirSync(join(site.data, 'jobs')).filter((name) => !name.startsWith('.'));
    expect(readFileSync(join(site.data, 'jobs', jobDir, 'stdout.log'), 'utf8')).toBe(`${'\0'.repeat(1_000_000)}end\n`);
  });

  it('offers a job as soon as its file is there, and runs the newest text of it', async () => {
    const site = await openSite();
    await site.start();
    const person = await openPerson(site.socket);
    const looking = await openPerson(site.socket, { subscribe: true });
    site.putJob('new.yaml', jobYaml({ id: 'new', script: 'echo one' }));
    expect((await person.end(await person.start('new'))).stdout_chunk).toBe('one\n');
    site.putJob('new.yaml', jobYaml({ id: 'new', script: 'echo two' }));
    expect((await person.end(await person.start('new'))).stdout_chunk).toBe('two\n');
    await eventually('the word that the catalogue is another one', () => looking.changes() > 0);
    expect((await looking.call('jobs.list')).items.map(({ id }) => id)).toEqual(['new']);
    expect(person.changes()).toBe(0);
  });

  it('is refused for a job that is unknown or not meant for people', async () => {
    const site = await openSite();
    site.putJob('inner.yaml', jobYaml({ id: 'inner', script: 'true' }).replace(/client:[\s\S]*/, ''));
    site.putJob('else.yaml', `${jobYaml({ id: 'else', script: 'true' })}  visible_to:\n    pcs: [pc-2]\n`);
    await site.start();
    const person = await openPerson(site.socket);
    expect((await person.call('jobs.list')).items).toEqual([]);
    await expect(person.start('inner')).rejects.toMatchObject({ kind: 'Unauthorized' });
    await expect(person.start('else')).rejects.toMatchObject({ kind: 'Unauthorized' });
    await expect(person.start('nothing')).rejects.toMatchObject({ kind: 'NotFound' });
    await expect(person.start('../x')).rejects.toMatchObject({ kind: 'InvalidParams' });
    await expect(person.call('jobs.kill', { run_id: 'nothing' })).rejects.toMatchObject({ kind: 'Unauthorized' });
  });

  it('keeps the variables of the agent from the job', async () => {
    const site = await openSite();
    site.putJob('env.yaml', jobYaml({ id: 'env', script: 'env' }));
    await site.start({ env: { KANADE_NATS_TOKEN: 'secret-token', OTHER: 'stays' } });
    const person = await openPerson(site.socket);
    const { stdout_chunk } = await person.end(await person.start('env'));
    expect(stdout_chunk).toContain('OTHER=stays');
    expect(stdout_chunk).not.toMatch(/KANADE_|secret-token/);
  });
});

describe('a run', () => {
  const family = 'sleep 300 & echo child $!\nsetsid sleep 300 & echo grandchild $!\necho ready; wait';

  it('is stopped with its whole tree', async () => {
    const site = await openSite();
    site.putJob('tree.yaml', jobYaml({ id: 'tree', script: family }));
    await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('tree');
    const [, child, grandchild] = await person.sees(runId, /child (\d+)\ngrandchild (\d+)\nready/);
    await person.call('jobs.kill', { run_id: runId });
    const last = await person.end(runId);
    expect(last).toMatchObject({ status: 'killed', exit_code: -1 });
    expect(last.stderr_chunk ?? '').not.toContain('killed by'); // the person knows who stopped it
    await eventually('the tree to be gone', () =>
      [child, grandchild].every((pid) => identify(Number(pid)) === undefined),
    );
    await expect(person.call('jobs.kill', { run_id: runId })).resolves.toHaveProperty('requested_at');
  });

  it('is shown to every client of its user, from where it stands, and either may stop it', async () => {
    const site = await openSite();
    site.putJob('tree.yaml', jobYaml({ id: 'tree', script: family }));
    await site.start();
    const first = await openPerson(site.socket);
    const runId = await first.start('tree');
    await first.sees(runId, /ready/);
    const second = await openPerson(site.socket, { subscribe: true });
    await second.sees(runId, /child \d+\ngrandchild \d+\nready/);
    expect(second.pushes(runId)[0]).toMatchObject({
      job_id: 'tree',
      status: 'running',
      started_at: expect.any(String),
    });
    await first.close();
    await second.call('jobs.kill', { run_id: runId });
    expect(await second.end(runId)).toMatchObject({ status: 'killed' });
    const other = await second.start('tree');
    const third = await openPerson(site.socket, { subscribe: true });
    await third.sees(other, /ready/);
    // Who has unsubscribed hears no more of it, but for whoever started it.
    for (const person of [second, third]) await person.call('jobs.unsubscribe', { subscription: 'sub-j-1' });
    await third.call('jobs.kill', { run_id: other });
    expect(await second.end(other)).toMatchObject({ status: 'killed' });
    await third.call('system.ping');
    expect(third.pushes(other).map(({ status }) => status)).not.toContain('killed');
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'outlives %s of the agent; the next one reports its true ending, once',
    async (signal) => {
      const site = await openSite();
      site.putJob(
        'wait.yaml',
        jobYaml({
          id: 'wait',
          script: `echo begun; until [ -e ${site.path}/go ]; do sleep 0.05; done; echo over; exit 7`,
        }),
      );
      site.putJob('go.yaml', jobYaml({ id: 'go', script: `touch ${site.path}/go` }));
      const before = await site.start();
      const person = await openPerson(site.socket, { subscribe: true });
      const runId = await person.start('wait');
      await person.sees(runId, /begun/);
      await before.end(signal);

      const after = await site.start();
      const returned = await openPerson(site.socket, { subscribe: true });
      await returned.sees(runId, /begun/);
      await returned.end(await returned.start('go'));
      expect(await returned.end(runId)).toMatchObject({
        status: 'failed',
        exit_code: 7,
        stdout_chunk: 'begun\nover\n',
      });
      await after.end();

      const last = await site.start();
      await last.end();
      const results = queuedResults(site.data).filter(({ result_id }) => result_id === runId);
      expect(results).toHaveLength(1);
      expect(results[0]).toMatchObject({ exit_code: 7, ending: 'exited', skipped: false, stdout: 'begun\nover\n' });
    },
  );

  it('that was being stopped when the agent was killed is stopped by the next one', async () => {
    const site = await openSite();
    const script = 'trap "echo ignored" TERM\necho ready\nwhile :; do sleep 0.1; done';
    site.putJob('deaf.yaml', jobYaml({ id: 'deaf', script }));
    const before = await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('deaf');
    await person.sees(runId, /ready/);
    await person.call('jobs.kill', { run_id: runId });
    await person.sees(runId, /ignored/);
    await before.end('SIGKILL');
    await site.start();
    const returned = await openPerson(site.socket, { subscribe: true });
    expect(await returned.end(runId)).toMatchObject({ status: 'killed', exit_code: -1 });
  });

  it('that ended while there was no agent is reported with its true ending', async () => {
    const site = await openSite();
    site.putJob(
      'wait.yaml',
      jobYaml({ id: 'wait', script: `echo $$; until [ -e ${site.path}/go ]; do sleep 0.05; done; exit 5` }),
    );
    const before = await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('wait');
    const [, pid] = await person.sees(runId, /(\d+)\n/);
    await before.end('SIGKILL');
    writeFileSync(join(site.path, 'go'), '');
    await eventually('the job to end by itself', () => identify(Number(pid)) === undefined);
    const after = await site.start();
    await eventually('its ending to be logged', () => after.log().includes(runId) && after.log().includes('run ended'));
    await after.end();
    expect(queuedResults(site.data)).toMatchObject([{ result_id: runId, exit_code: 5, ending: 'exited' }]);
  });

  it('whose ending nobody can know is reported as lost, never as success', async () => {
    const site = await openSite();
    site.putJob('wait.yaml', jobYaml({ id: 'wait', script: 'echo begun; sleep 300' }));
    const before = await site.start();
    const person = await openPerson(site.socket);
    const runId = await person.start('wait');
    await person.sees(runId, /begun/);
    await before.end('SIGKILL');
    for (const pid of treeOf(site.data)) process.kill(-pid, 'SIGKILL');
    const after = await site.start();
    await eventually('its ending to be logged', () => after.log().includes('run ended'));
    await after.end();
    expect(queuedResults(site.data)).toMatchObject([
      { result_id: runId, exit_code: 121, skipped: false, ending: 'lost' },
    ]);
  });
});

/** Process groups of the jobs that an agent left running. */
function treeOf(dataDir: string): number[] {
  const database = new DatabaseSync(join(dataDir, 'agent.db'), { readOnly: true });
  const jobs = database.prepare("SELECT job_id FROM run WHERE state = 'running'").all();
  database.close();
  return jobs.map(({ job_id }) => {
    const record = readFileSync(join(dataDir, 'jobs', String(job_id), 'ending'), 'utf8');
    return Number(/^pid (\d+)/m.exec(record)?.[1]);
  });
}
