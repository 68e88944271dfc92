import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';

/** What a broker's configuration from before says of a machine: nothing about derived groups. */
const fromBefore = `authorization { users = [
  { user: operator, password: o }
  { user: agent, password: a, permissions: {
    publish: { deny: ["$JS.API.CONSUMER.CREATE.KV_agent_groups_derived.>"] }
    subscribe: { deny: ["$KV.agent_groups_derived.>"] } } }
] }`;

const path = (await natsServers()).at(-1)?.path ?? '';

describe('derived groups', () => {
  it('count as soon as somebody derives some, and hold while the broker is away', async () => {
    const broker = await startNatsServer({ path });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    const first = await site.start({ args: ['--server', broker.url] });
    const before = commandFor('true');
    await operator.order('commands.pc.pc-1.job', before);
    await operator.result(before.request_id); // what there is to read was read
    await operator.addBucket('agent_groups_derived');
    await operator.put('agent_groups_derived', 'pc-1', '{"groups":["lab"]}');
    const live = commandFor('echo live');
    await operator.order('commands.group.lab.job', live);
    expect(await operator.result(live.request_id)).toMatchObject({ stdout: 'live\n' });

    await first.end();
    const missed = commandFor('echo missed', { id: 'missed' });
    await operator.order('commands.group.lab.missed', missed);
    const second = await site.start({ args: ['--server', broker.url] });
    expect(await operator.result(missed.request_id)).toMatchObject({ stdout: 'missed\n' });

    await second.end();
    await operator.put('agent_groups_derived', 'pc-1', '{"groups":[]}');
    const foreign = commandFor('echo foreign', { id: 'foreign' });
    const wanted = commandFor('true', { id: 'wanted' });
    await operator.order('commands.group.lab.foreign', foreign);
    await operator.order('commands.pc.pc-1.wanted', wanted);
    await site.start({ args: ['--server', broker.url] });
    await operator.result(wanted.request_id);
    expect((await operator.results()).map(({ request_id }) => request_id)).not.toContain(foreign.request_id);
  });

  it('that the broker does not show keep no order waiting', async () => {
    const broker = await startNatsServer({ path, lines: [fromBefore] });
    onTestFinished(() => broker[Symbol.asyncDispose]());
    const as = (user: string) => broker.url.replace('//', `//${user}@`);
    const operator = await openOperator(as('operator:o'));
    await operator.addBucket('agent_groups_derived');
    const site = await openSite();
    const agent = await site.start({ env: { KANADE_NATS_URL: as('agent:a') } });
    const order = commandFor('echo here');
    await operator.order('commands.pc.pc-1.job', order);
    expect(await operator.result(order.request_id)).toMatchObject({ stdout: 'here\n' });
    await eventually('the agent to say so', () =>
      agent.log().includes('does not let this machine read what concerns it there'),
    );
  });
});
