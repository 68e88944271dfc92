import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectClient } from '@kanade/klp';
import { dialLocal } from '@kanade/klp/socket';
import { localContract } from '@kanade/shared/local';
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

  it('ends with 3 when its socket is taken, and says what to do', async () => {
    const site = await openSite();
    await site.start();
    const { code, stdout, stderr } = await site.run([
      ...['--data-dir', join(site.path, 'other'), '--socket', site.socket, '--allow-own-user'],
    ]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/a live server answers there.*--socket/);
  });

  it('ends with 4 when another agent works on its data', async () => {
    const site = await openSite();
    await site.start();
    const { code, stdout, stderr } = await site.run(['--data-dir', site.data, '--socket', join(site.path, 's2')]);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(/another agent works on it; stop that one or choose another with --data-dir/);
  });

  it('ends with 5 when its data directory cannot be one', async () => {
    const site = await openSite();
    writeFileSync(join(site.path, 'file'), '');
    const { code, stdout, stderr } = await site.run(['--data-dir', join(site.path, 'file'), '--socket', site.socket]);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toMatch(/use data directory .*file.*choose another with --data-dir/);
  });

  it('ends with 6 when the directory of jobs is not there', async () => {
    const site = await openSite();
    const args = ['--data-dir', site.data, '--socket', site.socket, '--jobs', join(site.path, 'nowhere')];
    const { code, stderr } = await site.run(args);
    expect(code).toBe(6);
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
    // Root is nobody that jobs are offered to; a person with a login shell is.
    const isPerson = process.getuid?.() !== 0;
    site.run(['--data-dir', site.data, '--socket', site.socket]).catch(() => undefined); // ended with the test
    const answer = openPerson(site.socket).then(
      () => 'served',
      (error: { kind: string }) => error.kind,
    );
    expect(await answer).toBe(isPerson ? 'served' : 'Unauthorized');
  });

  it('tells a client that speaks another version of the protocol so', async () => {
    const site = await openSite();
    await site.start();
    const lost = Promise.withResolvers<unknown>();
    const client = connectClient({
      contract: localContract,
      dial: ({ signal }) => dialLocal({ path: site.socket, signal }),
      handshake: { client: 'test', client_version: '0', protocol: [7, 8] },
      onEvent: (event) => event.kind === 'connection_lost' && lost.resolve(event.error),
    });
    expect(await lost.promise).toMatchObject({ kind: 'StaleProtocol', detail: 'offered 7, 8, this agent speaks 1' });
    await client.close();
  });

  it('writes down every local message when it is told to, without what it holds', async () => {
    const site = await openSite();
    const trace = join(site.path, 'trace');
    await site.start({ env: { KANADE_KLP_TRACE: trace } });
    const { call } = await openPerson(site.socket);
    await expect(call('jobs.execute', { id: 'secret-job' })).rejects.toMatchObject({ kind: 'NotFound' });
    const text = readFileSync(trace, 'utf8');
    expect(text).toMatch(/"direction":"in","bytes":\d+,"kind":"request","id":"2","method":"jobs.execute"/);
    expect(text).not.toContain('secret-job');
  });

  it('starts although it cannot write local messages down, and says so', async () => {
    const site = await openSite();
    const agent = await site.start({ env: { KANADE_KLP_TRACE: site.path } });
    await openPerson(site.socket);
    expect(agent.log()).toMatch(/local messages cannot be written down/);
  });

  it('answers what needs no job', async () => {
    const site = await openSite();
    const { ready } = await site.start();
    const { call } = await openPerson(site.socket);
    expect(await call('system.version')).toEqual({ agent_version: ready.version, target_agent_version: ready.version });
    expect(Date.parse((await call('system.ping')).agent_time)).not.toBeNaN();
    expect(await call('state.snapshot')).toMatchObject({ pc_id: 'pc-1', online: false, checks: [] });
    const { subscription } = await call('jobs.subscribe');
    expect(await call('jobs.unsubscribe', { subscription })).toBeNull();
    await expect(call('jobs.unsubscribe', { subscription })).rejects.toMatchObject({ kind: 'NotFound' });
    await expect(call('state.unsubscribe', { subscription: 'sub-s-9' })).rejects.toMatchObject({ kind: 'NotFound' });
  });
});
