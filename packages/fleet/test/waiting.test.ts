import { agentGroups } from '@kanade/shared/fleet';
import { eventually, natsServers } from '@kanade/testkit';
import { Kvm } from '@nats-io/kv';
import { describe, expect, it } from 'vitest';
import { awaitResults, type Fleet, putManifest, sendOrder, type WaitEvent } from '../src/index.ts';
import { emulateMachine } from './emulated-machine.ts';
import { jobYaml, openTestFleet } from './open-test-fleet.ts';

/** More than any of these may take. */
const longMs = 60_000;

async function setGroups(fleet: Fleet, members: Record<string, readonly string[]>, bucket = 'agent_groups') {
  const kv = await new Kvm(fleet.jetstream).create(bucket);
  for (const [pc, groups] of Object.entries(members)) await kv.put(pc, JSON.stringify(agentGroups(groups)));
}

describe.each(await natsServers())('awaitResults on nats-server $version', ({ path }) => {
  it('of machines and groups ends when each has answered that was named or is online, and tells who has not', async () => {
    await using opened = await openTestFleet(path);
    const { fleet, broker } = opened;
    await putManifest(fleet, jobYaml('a'));
    await setGroups(fleet, { given: ['lab'], off: ['lab'], other: ['office'], twice: ['lab'] });
    await setGroups(fleet, { derived: ['lab'] }, 'agent_groups_derived');
    await using _given = await emulateMachine(broker.url, { pc: 'given', groups: ['lab'] });
    await using _derived = await emulateMachine(broker.url, { pc: 'derived', groups: ['lab'] });
    await using twice = await emulateMachine(broker.url, { pc: 'twice', groups: ['lab'] });
    await using _other = await emulateMachine(broker.url, { pc: 'other', groups: ['office'] });
    const targets = [{ kind: 'pc', pc: 'twice' } as const, { kind: 'group', group: 'lab' } as const];
    const { requestId } = await sendOrder(fleet, { jobId: 'a', targets });
    const events: WaitEvent[] = [];
    const onEvent = (event: WaitEvent): void => void events.push(event);
    const { results, missing } = await awaitResults(fleet, { requestId, targets, waitMs: longMs, onEvent });
    expect(results.map(({ pc_id }) => pc_id).sort()).toEqual(['derived', 'given', 'twice']);
    expect(missing).toEqual([{ pc_id: 'off', state: 'away' }]);
    expect(twice.orders).toHaveLength(1);
    expect(events.findLast(({ type }) => type === 'counted')).toEqual({
      type: 'counted',
      answered: 3,
      expected: 4,
      away: 1,
    });
  });

  it('of all machines ends when those have answered whose heartbeat was heard', async () => {
    await using opened = await openTestFleet(path);
    const { fleet, broker } = opened;
    await putManifest(fleet, jobYaml('a'));
    const targets = [{ kind: 'all' } as const];
    await using _answers = await emulateMachine(broker.url, { pc: 'answers' });
    await using slow = await emulateMachine(broker.url, { pc: 'slow', onOrder: () => {} });
    const { requestId } = await sendOrder(fleet, { jobId: 'a', targets });
    let counted = { answered: 0, expected: 0 };
    const onEvent = (event: WaitEvent): void => {
      if (event.type === 'counted') counted = event;
    };
    const waiting = awaitResults(fleet, { requestId, targets, waitMs: longMs, listenMs: 2_000, onEvent });
    await eventually('the heartbeat of the slow one is heard', () => {
      const beat = { pc_id: 'slow', at: new Date().toISOString(), agent_version: '0' };
      fleet.connection.publish('heartbeat.slow', JSON.stringify(beat));
      return counted.expected === 2 && counted.answered === 1;
    });
    const [order] = slow.orders;
    if (order) await slow.answer(order);
    const { results, missing } = await waiting;
    expect([results.length, missing]).toEqual([2, []]);
  });

  it('does not take what comes behind a run for the answer of its machine', async () => {
    await using opened = await openTestFleet(path);
    const { fleet, broker } = opened;
    await putManifest(fleet, jobYaml('a'));
    const targets = [{ kind: 'pc', pc: 'a' } as const];
    await using machine = await emulateMachine(broker.url, { pc: 'a', onOrder: () => {} });
    const { requestId } = await sendOrder(fleet, { jobId: 'a', targets });
    const order = await eventually('the order', () => machine.orders[0]);
    const heard: string[] = [];
    const onEvent = (event: WaitEvent): void => void (event.type === 'result' && heard.push(event.result.result_id));
    const waiting = awaitResults(fleet, { requestId, targets, waitMs: longMs, onEvent });
    await machine.answer(order, { result_id: 'behind', parent_result_id: 'main', exit_code: 3 });
    await eventually('it is heard', () => heard.length === 1);
    await machine.answer(order, { result_id: 'main' });
    const { results, finalizers, missing } = await waiting;
    expect(results.map(({ result_id }) => result_id)).toEqual(['main']);
    expect(finalizers.map(({ parent_result_id, exit_code }) => [parent_result_id, exit_code])).toEqual([['main', 3]]);
    expect(missing).toEqual([]);
  });

  it('of a group that cannot be read says so, and takes its time', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    const targets = [{ kind: 'group', group: 'lab' } as const];
    const { requestId } = await sendOrder(fleet, { jobId: 'a', targets });
    await (await fleet.jetstream.jetstreamManager()).streams.delete('KV_agent_groups');
    const events: WaitEvent[] = [];
    const onEvent = (event: WaitEvent): void => void events.push(event);
    const awaited = await awaitResults(fleet, { requestId, targets, waitMs: 1_500, onEvent });
    expect(awaited).toMatchObject({
      results: [],
      isLate: true,
      machinesUnknown: expect.stringMatching(/^reading who is in lab failed/),
    });
    expect(events).toContainEqual({
      type: 'machines_unknown',
      error: expect.objectContaining({ code: 'no_topology' }),
    });
  });

  it('ends with the reason of its signal, and of a group without a machine at once', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const nobody = { requestId: 'r', targets: [{ kind: 'group', group: 'empty' } as const], waitMs: longMs };
    expect(await awaitResults(fleet, nobody)).toEqual({ results: [], finalizers: [], missing: [], isLate: false });
    const reason = new Error('enough');
    const aborted = awaitResults(fleet, {
      requestId: 'r',
      targets: [{ kind: 'pc', pc: 'a' }],
      waitMs: longMs,
      signal: AbortSignal.timeout(200),
    });
    await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(awaitResults(fleet, { ...nobody, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
