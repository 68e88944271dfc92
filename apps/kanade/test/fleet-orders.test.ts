/** What an operator does with orders besides sending one: waiting, looking up, stopping, taking back. One broker and two agents for all. */
import { hostname, userInfo } from 'node:os';
import { eventually, natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';
import type { start } from './program.ts';

const execIdIn = ({ text }: ReturnType<typeof start>): Promise<string> =>
  eventually('the order is announced', () => /: ([0-9a-f-]{36})\n/.exec(text.stderr)?.[1]);

// The library's own suites run on both servers; one is enough to see that the commands are wired to it.
const servers = (await natsServers()).slice(-1);

describe.each(servers)('orders on nats-server $version', ({ path }) => {
  let site: FleetSite;
  beforeAll(async () => {
    site = await openFleetSite(path);
  });
  afterAll(() => site[Symbol.asyncDispose]());

  it('exec --wait has an exit code for all good, some failed, some missing', async () => {
    await site.put('good', 'echo good');
    await site.put('bad', 'exit 7');
    const wait = (...args: string[]) => site.fleet('exec', ...args, '--wait', '--exit-code');
    const good = await wait('good', '--pc', 'pc-1,pc-2');
    expect(good).toMatchObject({ ok: true, type: 'fleet.exec', status: 0 });
    expect((good.results as { pc_id: string }[]).map(({ pc_id }) => pc_id).sort()).toEqual(['pc-1', 'pc-2']);
    expect(await wait('bad', '--pc', 'pc-1', '--pc', 'pc-2')).toMatchObject({ ok: true, status: 1 });
    expect(await wait('bad', '--pc', 'pc-1')).toMatchObject({ ok: true, status: 7 });
    expect(await wait('good', '--pc', 'pc-1,pc-9', '--until', '3')).toMatchObject({
      ...{ ok: true, status: 3, results: [{ pc_id: 'pc-1' }], missing: [{ pc_id: 'pc-9', state: 'away' }] },
    });
    const none = await wait('good', '--pc', 'pc-9', '--until', '1');
    expect(none).toMatchObject({ ok: false, status: 3, error: { code: 'no_result' } });
    expect(none.error?.message).toContain('no result came within 1 s; pc-9 is away');
    const nobody = await wait('good', '--group', 'nobody');
    expect(nobody).toMatchObject({ ok: false, status: 3, error: { code: 'no_result' } });
    expect(nobody.error?.message).toContain('no machine that it is for is online');
  });

  it('a wait that was interrupted is taken up again, and results are looked up later', async () => {
    const gate = await site.putGated('taken-up');
    const first = site.begin({}, 'exec', 'taken-up', '--pc', 'pc-1', '--wait');
    const execId = await execIdIn(first);
    await eventually('the run has begun', () => gate.begun() === 1);
    first.child.kill('SIGINT');
    const { stdout } = await first.ended;
    expect(JSON.parse(stdout).error).toMatchObject({
      code: 'interrupted',
      message: expect.stringContaining(`kanade fleet wait ${execId}`),
      details: { exec_id: execId },
    });
    const second = site.fleet('wait', execId);
    gate.open();
    expect(await second).toMatchObject({
      ...{ ok: true, type: 'fleet.wait', job_id: 'taken-up', exec_id: execId },
      results: [{ pc_id: 'pc-1', exit_code: 0, stdout: 'done taken-up\n' }],
    });
    const found = { job_id: 'taken-up', exec_id: execId, pc_id: 'pc-1', exit_code: 0, ending: 'exited' };
    expect(await site.fleet('results', execId, '--output')).toMatchObject({
      ...{ ok: true, type: 'fleet.results', complete: true },
      results: [{ ...found, stdout: 'done taken-up\n' }],
    });
    const [bare] = (await site.fleet('results', 'taken-up')).results as object[];
    expect(bare).toMatchObject(found);
    expect(bare).not.toHaveProperty('stdout');
    expect(await site.fleet('results', '--pc', 'pc-1', '--limit', '1')).toMatchObject({
      ...{ results: [found], complete: false },
    });
    expect(await site.fleet('wait', 'nobody')).toMatchObject({ status: 1, error: { code: 'order_not_found' } });
  });

  it('kill says which machines confirmed and what they reported; an unknown id is a failure of its own', async () => {
    const gate = await site.putGated('killed');
    const { exec_id } = await site.fleet('exec', 'killed', '--pc', 'pc-1,pc-2');
    const execId = String(exec_id);
    await eventually('both runs have begun', () => gate.begun() === 2);
    const { stopped, error } = await site.fleet('kill', execId, '--timeout', '60');
    const report = `killed by remote signal (kill.${execId})`;
    const clean = { mechanism: expect.stringMatching(/^(control|process)-group$/), survivors: [] };
    expect({ error, stopped }).toMatchObject({
      error: undefined,
      stopped: Array.from({ length: 2 }, () => ({ ending: 'killed', report, stop: clean })),
    });
    const endings = await eventually('both have ended', async () => {
      const { results } = await site.fleet('results', execId);
      return (results as { ending: string }[]).length === 2 && results;
    });
    expect(endings).toMatchObject([{ ending: 'killed' }, { ending: 'killed' }]);
    expect(await site.fleet('kill', execId)).toMatchObject({ ok: true, stopped: [], ended_before: 2 });
    expect(await site.fleet('kill', 'no.such.order')).toMatchObject({ status: 1, error: { code: 'order_not_found' } });
    expect(await site.fleet('kill', 'nobody', '--no-wait')).toMatchObject({ ok: true, exec_id: 'nobody' });
  });

  it('cancel takes an order back from machines that are away, and counts them', async () => {
    await site.put('kept', 'echo kept');
    const { exec_id } = await site.fleet('exec', 'kept', '--pc', 'pc-1,pc-9', '--group', 'nobody');
    const execId = String(exec_id);
    await eventually('pc-1 has run it', async () => {
      const { results } = await site.fleet('results', execId);
      return (results as unknown[]).length === 1;
    });
    expect(await site.fleet('cancel', execId)).toMatchObject({
      ...{ ok: true, type: 'fleet.cancel', job_id: 'kept', count: 2 },
      withdrawn: ['commands.group.nobody.kept', 'commands.pc.pc-9.kept'],
    });
    expect(await site.fleet('cancel', execId)).toMatchObject({ ok: true, count: 0, withdrawn: [] });
    expect(await site.fleet('cancel', 'nobody')).toMatchObject({ status: 1, error: { code: 'order_not_found' } });
  });

  it('run shows what a script without a job printed, from words, from a file and from standard input', async () => {
    const words = await site.fleet('run', 'pc-1', 'pc-2', '--exit-code', '--', 'echo', '$((40 + 2)) --all;', 'exit 3');
    expect(words).toMatchObject({ ok: true, type: 'fleet.run', job_id: 'adhoc-run', status: 1 });
    expect(words.results).toMatchObject([{ stdout: '42 --all\n', exit_code: 3 }, { stdout: '42 --all\n' }]);
    const input = site.begin({ input: 'echo from input' }, 'run', 'pc-1', '--file', '-');
    expect(JSON.parse((await input.ended).stdout)).toMatchObject({ ok: true, results: [{ stdout: 'from input\n' }] });
    expect(await site.fleet('run', 'pc-1', '--file', '/nowhere')).toMatchObject({ error: { code: 'file_unreadable' } });
    const { exec_id } = await site.fleet('run', 'pc-9', '--no-wait', '--', 'true');
    expect(await site.fleet('cancel', String(exec_id))).toMatchObject({ ok: true, count: 1 });
    for (const args of [
      ['run'],
      ['run', '--', 'x'],
      ['run', 'pc-1', '--'],
      ['run', 'pc-1', '--shell', 'zsh', '--', 'x'],
    ]) {
      const { status, stdout } = await site.begin({}, ...args).ended;
      expect([args, status, stdout]).toEqual([args, 2, '']);
    }
  });

  it('forget takes a machine and the orders for it alone away', async () => {
    await site.put('waiting', 'true');
    await site.fleet('exec', 'waiting', '--pc', 'pc-gone');
    expect(await site.fleet('forget', 'pc-gone')).toMatchObject({
      ok: true,
      type: 'fleet.forget',
      withdrawn: ['commands.pc.pc-gone.waiting'],
      was_grouped: false,
    });
    expect(await site.fleet('audit', '--limit', '1')).toMatchObject({
      records: [{ action: 'forget', about: 'pc-gone' }],
    });
  });

  it('revoke forbids a job until unrevoke, and audit tells who did what and from where', async () => {
    await site.put('judged', 'echo judged');
    expect(await site.fleet('revoke', 'judged')).toMatchObject({ ok: true, before: 'ACTIVE', withdrawn: [] });
    expect(await site.fleet('exec', 'judged', '--pc', 'pc-1')).toMatchObject({
      status: 1,
      error: { code: 'job_revoked' },
    });
    expect(await site.fleet('unrevoke', 'judged')).toMatchObject({ ok: true, before: 'REVOKED' });
    expect(await site.fleet('exec', 'judged', '--pc', 'pc-1', '--wait')).toMatchObject({ results: [{ exit_code: 0 }] });
    const { records } = await site.fleet('audit', '--limit', '4');
    const who = { user: userInfo().username, host: hostname() };
    expect(records).toMatchObject([
      { ...who, action: 'exec', order: { job_id: 'judged', targets: [{ kind: 'pc', pc: 'pc-1' }] } },
      { ...who, action: 'unrevoke', about: 'judged' },
      { ...who, action: 'revoke', about: 'judged' },
      { ...who, action: 'job.put', about: 'judged' },
    ]);
    const following = site.begin({}, 'audit', '--follow', '--limit', '1');
    await eventually('the last one is shown', () => following.text.stdout.includes('"action":"exec"'));
    await site.fleet('revoke', 'judged');
    await eventually('the next one comes', () => following.text.stdout.includes('"action":"revoke"'));
    following.child.kill('SIGINT');
    const { status, stdout } = await following.ended;
    expect([status, stdout.trim().split('\n').length]).toEqual([0, 2]);
    expect(await site.fleet('events', '--kind', 'none')).toMatchObject({ ok: true, type: 'fleet.events', records: [] });
  });
});
