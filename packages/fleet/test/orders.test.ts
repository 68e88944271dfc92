import { readCommand } from '@kanade/shared/fleet';
import { natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { agentsOnline, connectFleet, type Fleet, pingAgent, putManifest, sendKill, sendOrder } from '../src/index.ts';
import { jobYaml, openTestFleet } from './open-test-fleet.ts';

/** What stream EXEC holds now: subject, and the order in it. */
async function heldOrders(fleet: Fleet): Promise<Record<string, Record<string, unknown>>> {
  const jsm = await fleet.jetstream.jetstreamManager();
  const { state } = await jsm.streams.info('EXEC', { subjects_filter: '>' });
  const held: Record<string, Record<string, unknown>> = {};
  for (const subject of Object.keys(state.subjects ?? {})) {
    held[subject] = (await jsm.streams.getMessage('EXEC', { last_by_subj: subject }))?.json() ?? {};
  }
  return held;
}

describe.each(await natsServers())('orders on nats-server $version', ({ path }) => {
  it('exec stores the order under its target and job, and answers with the ids in it', async () => {
    await using opened = await openTestFleet(path);
    await putManifest(opened.fleet, jobYaml('a', '1.2.3'));
    const order = await sendOrder(opened.fleet, { jobId: 'a', targets: [{ kind: 'pc', pc: 'pc-1' }] });
    expect(order).toMatchObject({ jobId: 'a', version: '1.2.3', subjects: ['commands.pc.pc-1.a'], timeoutMs: 30_000 });
    const held = await heldOrders(opened.fleet);
    expect(Object.keys(held)).toEqual(['commands.pc.pc-1.a']);
    expect(readCommand(held['commands.pc.pc-1.a'])).toMatchObject({
      ok: true,
      value: {
        id: 'a',
        version: '1.2.3',
        request_id: order.requestId,
        exec_id: order.execId,
        script: 'echo a',
        timeout_secs: 30,
      },
    });
  });

  it('exec keeps the newest order of each job and target', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    await putManifest(fleet, jobYaml('b'));
    const pc = { kind: 'pc', pc: 'pc-1' } as const;
    await sendOrder(fleet, { jobId: 'a', targets: [pc] });
    await sendOrder(fleet, { jobId: 'b', targets: [pc] });
    const newest = await sendOrder(fleet, { jobId: 'a', targets: [pc], timeoutMs: 1_500 });
    await sendOrder(fleet, { jobId: 'a', targets: [{ kind: 'group', group: 'lab' }] });
    await sendOrder(fleet, { jobId: 'a', targets: [{ kind: 'all' }] });
    const held = await heldOrders(fleet);
    expect(Object.keys(held).sort()).toEqual([
      'commands.all.a',
      'commands.group.lab.a',
      'commands.pc.pc-1.a',
      'commands.pc.pc-1.b',
    ]);
    expect(held['commands.pc.pc-1.a']).toMatchObject({ request_id: newest.requestId, timeout_secs: 2 });
  });

  it('exec refuses what it cannot order and stores nothing', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('big').replace('script: echo big', `script: ${'x'.repeat(500_000)}`));
    const target = { kind: 'all' } as const;
    await expect(sendOrder(fleet, { jobId: 'nobody', targets: [target] })).rejects.toMatchObject({
      code: 'job_not_found',
    });
    for (const [id, more, path] of [
      ['approved', 'require_approval: true', 'require_approval'],
      ['controlled', 'tier: controller', 'tier'],
      ['fed', 'feed: [{ id: a, field: b, primary_key: [c] }]', 'feed'],
    ] as const) {
      const put = await putManifest(fleet, `${jobYaml(id)}\n${more}\n`);
      expect(put.unserved).toMatchObject([{ path, refusedTo: 'everybody' }]);
      await expect(sendOrder(fleet, { jobId: id, targets: [target] })).rejects.toMatchObject({
        code: 'job_unserved',
        message: expect.stringContaining(path),
      });
    }
    const toNobody = sendOrder(fleet, { jobId: 'big', targets: [{ kind: 'pc', pc: 'a b' }] });
    await expect(toNobody).rejects.toMatchObject({ code: 'invalid_id' });
    expect(await heldOrders(fleet)).toEqual({});
  });

  it('kill reaches who listens for that order', async () => {
    await using opened = await openTestFleet(path);
    const subscription = opened.fleet.connection.subscribe('kill.*', { max: 1 });
    await sendKill(opened.fleet, 'exec-1');
    const subjects: string[] = [];
    for await (const message of subscription) subjects.push(message.subject);
    expect(subjects).toEqual(['kill.exec-1']);
    await expect(sendKill(opened.fleet, 'a b')).rejects.toMatchObject({ code: 'invalid_id' });
  });

  it('ping returns the heartbeat of a machine, undefined for nobody, and refuses other answers', async () => {
    await using opened = await openTestFleet(path);
    const beat = { pc_id: 'pc-1', at: '2026-01-02T03:04:05Z', agent_version: '0.1.0' };
    opened.fleet.connection.subscribe('agents.*.ping', {
      callback: (_, message) => {
        if (message.subject === 'agents.pc-1.ping') message.respond(JSON.stringify(beat));
        if (message.subject === 'agents.odd.ping') message.respond('hello');
      },
    });
    expect(await pingAgent(opened.fleet, 'pc-1')).toEqual(beat);
    expect(await pingAgent(opened.fleet, 'silent', { timeoutMs: 20 })).toBeUndefined();
    await expect(pingAgent(opened.fleet, 'odd')).rejects.toMatchObject({ code: 'broker_failed' });
  });

  it('ping needs nobody to wait for when no agent is connected at all', async () => {
    await using broker = await startNatsServer({ path, jetstream: false });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    expect(await pingAgent(fleet, 'pc-1', { timeoutMs: 600_000 })).toBeUndefined();
  });

  it('agentsOnline keeps the newest heartbeat of each machine and counts the rest', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const beat = (pc: string, second: number): string =>
      JSON.stringify({ pc_id: pc, at: `2026-01-02T03:04:0${second}Z`, agent_version: '0.1.0' });
    const heard: string[] = [];
    const listening = agentsOnline(fleet, {
      listenMs: 1_000,
      agentsMax: 2,
      onAgent: ({ pc_id }) => heard.push(pc_id),
    });
    await fleet.connection.flush();
    const beats: [string, string][] = [
      ['pc.b', beat('pc.b', 1)],
      ['a', beat('a', 1)],
      ['a', beat('a', 2)],
      ['x', 'hello'],
      // It passes itself off as another.
      ['x', beat('a', 9)],
      ['c', beat('c', 1)],
    ];
    for (const [pc, body] of beats) fleet.connection.publish(`heartbeat.${pc}`, body);
    expect(await listening).toMatchObject({
      agents: [
        { pc_id: 'a', at: '2026-01-02T03:04:02Z' },
        { pc_id: 'pc.b', at: '2026-01-02T03:04:01Z' },
      ],
      unreadable: 2,
      overflow: 1,
    });
    expect(heard).toEqual(['pc.b', 'a']);
    const reason = new Error('enough');
    await expect(agentsOnline(fleet, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
