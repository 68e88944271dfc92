import { type Command, readCommand } from '@kanade/shared/fleet';
import { natsServers } from '@kanade/testkit';
import { Kvm } from '@nats-io/kv';
import { describe, expect, it } from 'vitest';
import {
  auditJournal,
  cancelOrder,
  eventJournal,
  type Fleet,
  findOrder,
  followJournal,
  type Order,
  putManifest,
  readJournal,
  readManifest,
  removeManifest,
  revokeJob,
  runScript,
  sendOrder,
  stopOrder,
  unrevokeJob,
  writeAudit,
} from '../src/index.ts';
import { type Emulated, emulateMachine } from './emulated-machine.ts';
import { jobYaml, openTestFleet } from './open-test-fleet.ts';

const longMs = 60_000;

const pc = (id: string) => ({ kind: 'pc', pc: id }) as const;
const group = (name: string) => ({ kind: 'group', group: name }) as const;

/** Subject → the order that waits there. */
async function waiting(fleet: Fleet): Promise<Record<string, Command>> {
  const jsm = await fleet.jetstream.jetstreamManager();
  const { state } = await jsm.streams.info('EXEC', { subjects_filter: '>' });
  const held: Record<string, Command> = {};
  for (const subject of Object.keys(state.subjects ?? {})) {
    const read = readCommand((await jsm.streams.getMessage('EXEC', { last_by_subj: subject }))?.json());
    if (read.ok) held[subject] = read.value;
  }
  return held;
}

const setStatus = async (fleet: Fleet, key: string, value: string): Promise<void> => {
  await (await new Kvm(fleet.jetstream).open('script_status')).put(key, value);
};

const record = (fleet: Fleet, order: Order): Promise<void> =>
  writeAudit(fleet, { user: 'ada', host: 'desk', action: 'exec', order });

describe.each(await natsServers())('orders by hand on nats-server $version', ({ path }) => {
  it('sendOrder stores one order under each of several targets, with jitter, deadline and time', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    const deadlineMs = Date.parse('2030-01-02T03:04:05Z');
    const targets = [pc('x'), pc('y.z'), group('lab'), pc('x')];
    const order = await sendOrder(fleet, { jobId: 'a', targets, jitterMs: 1_500, timeoutMs: 7_000, deadlineMs });
    const held = await waiting(fleet);
    expect(Object.keys(held).sort()).toEqual(['commands.group.lab.a', 'commands.pc.x.a', 'commands.pc.y.z.a']);
    const [first, ...others] = Object.values(held);
    expect(first).toMatchObject({
      ...{ exec_id: order.execId, request_id: order.requestId, jitter_secs: 2, timeout_secs: 7 },
      deadline_at: '2030-01-02T03:04:05.000Z',
    });
    for (const other of others) expect(other).toEqual(first);
    expect(order).toMatchObject({ jitterMs: 2_000, timeoutMs: 7_000, deadlineAt: '2030-01-02T03:04:05.000Z' });
  });

  it('sendOrder refuses a revoked job and stores nothing', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    await setStatus(fleet, 'a', 'REVOKED');
    await expect(sendOrder(fleet, { jobId: 'a', targets: [pc('x')] })).rejects.toMatchObject({ code: 'job_revoked' });
    expect(await waiting(fleet)).toEqual({});
  });

  it('sendOrder beside putManifest never takes its version back, and both end as one of the two says', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const current = await new Kvm(fleet.jetstream).open('script_current');
    await putManifest(fleet, jobYaml('a', 'v0'));
    for (let round = 1; round <= 40; round++) {
      const put = putManifest(fleet, jobYaml('a', `v${round}`));
      // Each round the order begins at another moment of the put.
      for (let turn = 0; turn < round % 10; turn++) await fleet.connection.flush();
      const ordered = sendOrder(fleet, { jobId: 'a', targets: [pc('x')] });
      await Promise.all([put, ordered]);
      const { version } = await readManifest(fleet, 'a');
      expect([round, (await current.get('a'))?.string(), version]).toEqual([round, `v${round}`, `v${round}`]);
    }
  });

  it('findOrder finds an order by its record, by what still waits, and else nothing', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a.b'));
    const targets = [pc('x.y'), group('lab')];
    const recorded = await sendOrder(fleet, { jobId: 'a.b', targets, jitterMs: 2_000 });
    await record(fleet, recorded);
    expect(await findOrder(fleet, recorded.execId)).toMatchObject(recorded);
    const unrecorded = await sendOrder(fleet, { jobId: 'a.b', targets });
    const found = await findOrder(fleet, unrecorded.execId);
    expect(found).toMatchObject({ ...unrecorded, targets: expect.arrayContaining(targets) });
    expect(await findOrder(fleet, 'nobody')).toBeUndefined();
    await expect(findOrder(fleet, 'a b')).rejects.toMatchObject({ code: 'invalid_id' });
    await (await fleet.jetstream.jetstreamManager()).streams.delete('AUDIT');
    expect(await findOrder(fleet, unrecorded.execId)).toMatchObject({ requestId: unrecorded.requestId });
    await expect(record(fleet, unrecorded)).rejects.toMatchObject({ code: 'no_topology' });
  });

  it('cancelOrder takes back what waits of one order, and leaves newer orders and other jobs alone', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    await putManifest(fleet, jobYaml('b'));
    const order = await sendOrder(fleet, { jobId: 'a', targets: [pc('x'), pc('y'), group('lab')] });
    await sendOrder(fleet, { jobId: 'b', targets: [pc('x')] });
    await sendOrder(fleet, { jobId: 'a', targets: [pc('y')] });
    await using x = await emulateMachine(opened.broker.url, { pc: 'x' });
    await x.answer({ id: 'a', request_id: order.requestId, exec_id: order.execId });
    expect(await cancelOrder(fleet, order)).toEqual({ withdrawn: ['commands.group.lab.a'], reached: ['x'] });
    expect(Object.keys(await waiting(fleet)).sort()).toEqual(['commands.pc.x.b', 'commands.pc.y.a']);
    expect(await cancelOrder(fleet, order)).toEqual({ withdrawn: [], reached: ['x'] });
  });

  it('revokeJob forbids a job and takes its waiting orders back; unrevokeJob allows it, but no order from before', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const status = await new Kvm(fleet.jetstream).open('script_status');
    const standing = async () => (await status.get('a'))?.string();
    await putManifest(fleet, jobYaml('a'));
    await putManifest(fleet, jobYaml('b'));
    for (const jobId of ['a', 'b']) await sendOrder(fleet, { jobId, targets: [pc('x'), group('lab')] });
    const withdrawn = ['commands.group.lab.a', 'commands.pc.x.a'];
    const revoked = await revokeJob(fleet, 'a');
    expect([revoked.before, [...revoked.withdrawn].sort(), await standing()]).toEqual(['ACTIVE', withdrawn, 'REVOKED']);
    expect(Object.keys(await waiting(fleet)).sort()).toEqual(['commands.group.lab.b', 'commands.pc.x.b']);
    // One that an operator of the ancestor sent meanwhile, on its three-token subject.
    const late = { id: 'a', version: '1.0.0', request_id: 'late', shell: 'sh', script: 'true', timeout_secs: 1 };
    await fleet.jetstream.publish('commands.pc.x', JSON.stringify(late));
    expect(await revokeJob(fleet, 'a')).toEqual({ before: 'REVOKED', withdrawn: ['commands.pc.x'] });
    await fleet.jetstream.publish('commands.pc.x', JSON.stringify(late));
    expect(await unrevokeJob(fleet, 'a')).toEqual({ before: 'REVOKED', withdrawn: ['commands.pc.x'] });
    expect([await standing(), Object.keys(await waiting(fleet)).length]).toEqual(['ACTIVE', 2]);
    expect(await unrevokeJob(fleet, 'b')).toEqual({ before: 'ACTIVE', withdrawn: [] });
    expect(Object.keys(await waiting(fleet))).toHaveLength(2);
    for (const change of [revokeJob, unrevokeJob]) {
      await expect(change(fleet, 'typo')).rejects.toMatchObject({ code: 'job_not_found' });
    }
    expect(await revokeJob(fleet, 'adhoc-run')).toMatchObject({ before: 'ACTIVE' });
  });

  it('removeManifest and putManifest of the same job leave no order from before that could run', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    await sendOrder(fleet, { jobId: 'a', targets: [pc('x')] });
    expect(await removeManifest(fleet, 'a')).toEqual(['commands.pc.x.a']);
    // One that was under way while the job was removed.
    const late = { id: 'a', version: '1.0.0', request_id: 'late', shell: 'sh', script: 'true', timeout_secs: 1 };
    await fleet.jetstream.publish('commands.all.a', JSON.stringify(late));
    await putManifest(fleet, jobYaml('a'));
    expect(await waiting(fleet)).toEqual({});
  });

  it('readJournal and followJournal tell what operators did, and what happened on machines', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    for (const action of ['setup', 'exec', 'kill']) await writeAudit(fleet, { user: 'ada', host: 'desk', action });
    await fleet.jetstream.publish('audit.operator.odd', 'no record');
    const { found, complete, lastSequence } = await readJournal(fleet, auditJournal(), { limit: 2 });
    expect([found.map(({ action }) => action), complete, lastSequence]).toEqual([['kill', 'exec'], false, 4]);
    const event = (pcId: string, kind: string, named = pcId): Promise<unknown> => {
      const at = '2026-01-02T03:04:05Z';
      return fleet.jetstream.publish(`obs.${pcId}`, JSON.stringify({ pc_id: named, at, kind, source: 'agent' }));
    };
    await event('x.y', 'agent_started');
    await event('x', 'agent_started');
    await event('x', 'diagnostic');
    await event('x', 'agent_started', 'x.y'); // it passes itself off as another
    const kinds = async (of: Parameters<typeof eventJournal>[0]) =>
      (await readJournal(fleet, eventJournal(of), { limit: 9 })).found.map(({ pc_id, kind }) => `${pc_id} ${kind}`);
    expect(await kinds({})).toEqual(['x diagnostic', 'x agent_started', 'x.y agent_started']);
    expect(await kinds({ pc: 'x', kind: 'agent_started' })).toEqual(['x agent_started']);
    expect(() => eventJournal({ pc: 'a b' })).toThrow(expect.objectContaining({ code: 'invalid_id' }));
    const followed: string[] = [];
    const late = new AbortController();
    const reason = new Error('enough');
    const following = (async () => {
      const options = { after: 1, signal: late.signal };
      for await (const { kind } of followJournal(fleet, eventJournal({ pc: 'x' }), options)) {
        followed.push(kind);
        if (followed.length === 2) await event('x', 'agent_offline');
        if (kind === 'agent_offline') late.abort(reason);
      }
    })();
    await expect(following).rejects.toBe(reason);
    expect(followed).toEqual(['agent_started', 'diagnostic', 'agent_offline']);
  });

  it('runScript orders a script without a job, which machines that come too late do not start', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const deadlineMs = Date.parse('2030-01-02T03:04:05Z');
    const asked = { script: 'uptime', shell: 'bash', timeoutMs: 1_500, deadlineMs } as const;
    const order = await runScript(fleet, { ...asked, targets: [pc('x')] });
    expect((await waiting(fleet))['commands.pc.x.adhoc-run']).toMatchObject({
      ...{ id: 'adhoc-run', version: '0.0.0', script: 'uptime', shell: 'bash', timeout_secs: 2 },
      ...{ exec_id: order.execId, deadline_at: '2030-01-02T03:04:05.000Z' },
    });
    await writeAudit(fleet, { user: 'ada', host: 'desk', action: 'run', order });
    expect(await findOrder(fleet, order.execId)).toMatchObject({ jobId: 'adhoc-run', requestId: order.requestId });
    await revokeJob(fleet, 'adhoc-run');
    await expect(runScript(fleet, { ...asked, targets: [pc('x')] })).rejects.toMatchObject({ code: 'job_revoked' });
  });

  it('stopOrder tells who confirmed and what they said, who did not, and what had ended before', async () => {
    await using opened = await openTestFleet(path);
    const { fleet, broker } = opened;
    await putManifest(fleet, jobYaml('a'));
    const started = ({ request_id, exec_id }: Command, machine: string): Promise<unknown> => {
      const event = {
        result_id: `run-${machine}`,
        request_id,
        exec_id,
        pc_id: machine,
        started_at: '2026-01-02T03:04:05Z',
      };
      return fleet.jetstream.publish(`events.started.${exec_id}.${machine}`, JSON.stringify(event));
    };
    const stops = async (execId: string, machine: Emulated, name: string): Promise<void> => {
      const [order] = machine.orders.splice(0); // it runs it no more
      const stderr = `working\nkilled by remote signal (kill.${execId})\n`;
      if (order) await machine.answer(order, { result_id: `run-${name}`, exit_code: -1, ending: 'killed', stderr });
    };
    await using _obeys = await emulateMachine(broker.url, {
      pc: 'obeys',
      onOrder: () => {},
      onKill: (id, machine) => void stops(id, machine, 'obeys'),
    });
    await using deaf = await emulateMachine(broker.url, { pc: 'deaf', onOrder: () => {} });
    await using done = await emulateMachine(broker.url, { pc: 'done', onOrder: () => {} });
    const order = await sendOrder(fleet, { jobId: 'a', targets: [pc('obeys'), pc('deaf'), pc('done')] });
    await record(fleet, order);
    const command = { id: 'a', request_id: order.requestId, exec_id: order.execId } as Command;
    for (const name of ['obeys', 'deaf', 'done']) await started(command, name);
    await done.answer(command, { result_id: 'run-done' });
    const report = `killed by remote signal (kill.${order.execId})`;
    const { execId } = order;
    expect(await stopOrder(fleet, { execId, waitMs: 1_500, quietMs: 10 })).toMatchObject({
      order: { execId },
      stopped: [{ pc_id: 'obeys', ending: 'killed', report }],
      unconfirmed: ['deaf'],
      endedBefore: 1,
    });
    await deaf.answer(command, { result_id: 'run-deaf' });
    expect(await stopOrder(fleet, { execId, waitMs: longMs, quietMs: 10 })).toMatchObject({
      unconfirmed: [],
      endedBefore: 3,
    });
    expect(await stopOrder(fleet, { execId: 'nobody', waitMs: longMs, quietMs: 10 })).toEqual({
      order: undefined,
      stopped: [],
      unconfirmed: [],
      endedBefore: 0,
      unknown: [],
    });
  });
});
