import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { openPerson } from './person.ts';

describe('the agent as a program', () => {
  it('says on one line that it is ready, and where', async () => {
    const site = await openSite();
    const agent = await site.start();
    const { code, stdout } = await agent.end();
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toEqual({
      type: 'agent.ready',
      pc_id: 'pc-1',
      socket: site.socket,
      broker: null,
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  it.each([
    ['an unknown option', ['--colour', 'red'], /--colour/],
    ['a word too many', ['start'], /start/],
    ['an option without its value', ['--jobs'], /--jobs/],
    ['an id that cannot be a subject', ['--id', 'a b'], /id of this machine cannot be used: "a b"/],
    ['an unknown log level', ['--log-level', 'loud'], /--log-level is not one of/],
    ['credentials on the command line', ['--server', 'nats://u:p@h'], /KANADE_NATS_TOKEN/],
  ])('ends with 2 and an empty stdout for %s', async (_, args, said) => {
    const site = await openSite();
    const { code, stdout, stderr } = await site.run(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(said);
    expect(stderr).toContain('Usage:');
  });

  it('ends with 1 when its socket is taken, and says what to do', async () => {
    const site = await openSite();
    await site.start();
    const { code, stdout, stderr } = await site.run([
      ...['--data-dir', join(site.path, 'other'), '--socket', site.socket, '--allow-own-user'],
    ]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/a live server answers there.*--socket/);
  });

  it('ends with 1 when another agent works on its data', async () => {
    const site = await openSite();
    await site.start();
    const { code, stdout, stderr } = await site.run(['--data-dir', site.data, '--socket', join(site.path, 's2')]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/another agent works on it; stop that one or choose another with --data-dir/);
  });

  it('ends with 1 when its data directory cannot be one', async () => {
    const site = await openSite();
    writeFileSync(join(site.path, 'file'), '');
    const { code, stdout, stderr } = await site.run(['--data-dir', join(site.path, 'file'), '--socket', site.socket]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/use data directory .*file.*choose another with --data-dir/);
  });

  it('ends with 1 when the directory of jobs is not there', async () => {
    const site = await openSite();
    const args = ['--data-dir', site.data, '--socket', site.socket, '--jobs', join(site.path, 'nowhere')];
    const { code, stderr } = await site.run(args);
    expect(code).toBe(1);
    expect(stderr).toMatch(/read jobs from .*nowhere/);
  });

  it('skips a job file that is no manifest, names the fault, and offers the others', async () => {
    const site = await openSite();
    site.putJob('good.yaml', jobYaml({ id: 'good', script: 'true' }));
    site.putJob('typo.yaml', jobYaml({ id: 'typo', script: 'true' }).replace('timeout', 'timeuot'));
    site.putJob('broken.yaml', 'id: [');
    const agent = await site.start();
    const person = await openPerson(site.socket);
    expect((await person.call('jobs.list')).items.map(({ id }) => id)).toEqual(['good']);
    expect(agent.log()).toMatch(/typo\.yaml.*line 5.*execute\.timeuot: unknown key/);
    expect(agent.log()).toMatch(/broken\.yaml.*line 1/);
  });

  it('refuses everybody but people unless it is told to serve its own user', async () => {
    const site = await openSite();
    mkdirSync(site.data);
    chmodSync(site.path, 0o755);
    const args = ['--data-dir', site.data, '--socket', site.socket];
    const ending = site.run(args); // without --allow-own-user
    const refused = openPerson(site.socket);
    if (process.getuid?.() === 0) await expect(refused).rejects.toMatchObject({ kind: 'Unauthorized' });
    else await refused;
    void ending; // ended with the test
  });
});
