/** Settings from the broker, applied to a running agent. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Heartbeat, HostPerf, ProcessPerf } from '@kanade/shared/fleet';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { connect } from '@nats-io/transport-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite, type Site } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openPerson } from './person.ts';

/** A broker, an operator who hears what machines tell, and a place for an agent. */
async function openFleet(path: string) {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  const connection = await connect({ servers: broker.url });
  onTestFinished(() => connection.close());
  const heard: Record<string, unknown[]> = { heartbeat: [], host_perf: [], process_perf: [] };
  for (const [kind, messages] of Object.entries(heard))
    connection.subscribe(`${kind}.pc-1`, { callback: (_, message) => void messages.push(message.json()) });
  await connection.flush();
  /** Resolves with the first message that comes from now on and fits. */
  const next = <T>(kind: string, read: (value: unknown) => T, fits: (value: T) => boolean = () => true): Promise<T> => {
    const from = heard[kind]?.length ?? 0;
    return eventually(`a message on ${kind}`, () => heard[kind]?.slice(from).map(read).find(fits));
  };
  const say = (key: string, scope: object | string) =>
    operator.put('agent_config', key, typeof scope === 'string' ? scope : JSON.stringify(scope));
  return { broker, operator, next, say, site: await openSite() };
}

const displayName = async ({ socket }: Site): Promise<string | undefined> => {
  const person = await openPerson(socket);
  const { client_display_name } = await person.call('system.handshake', {
    client: 'again',
    client_version: '0',
    protocol: [1],
  });
  await person.close();
  return client_display_name;
};

const servers = await natsServers();
const newest = servers.at(-1)?.path ?? '';

describe.each(servers)('settings with nats-server $version', ({ path }) => {
  it('change slots, intervals, name and level of a running agent, and hold without the broker', async () => {
    const { broker, operator, next, say, site } = await openFleet(path);
    await operator.change('KV_agent_config', 'gone'); // a fleet that was set up before there were settings
    const isHere = next('heartbeat', Heartbeat.parse);
    const agent = await site.start({ args: ['--server', broker.url] });
    await isHere;
    await operator.setUp();
    await eventually('the agent to hear of settings', async () => {
      await say('global', { client_display_name: 'IT', max_local_concurrent: 1, log_level: 'debug' });
      return (await displayName(site)) === 'IT';
    });
    await eventually('more in the log', () => agent.log().includes('"level":20'));

    const [go, ran] = [join(site.path, 'go'), join(site.path, 'ran')];
    const first = commandFor(`until [ -e '${go}' ]; do sleep 0.05; done`, { id: 'first' });
    const second = commandFor(`touch '${ran}'`, { id: 'second' });
    await operator.order('commands.pc.pc-1.first', first);
    await operator.started(first.request_id);
    await operator.order('commands.pc.pc-1.second', second);
    await operator.ping('pc-1');
    expect(existsSync(ran)).toBe(false);
    await say('pcs.pc-1', { max_local_concurrent: 2, heartbeat_interval: '1ms' });
    expect(await operator.result(second.request_id)).toMatchObject({ exit_code: 0 });
    writeFileSync(go, '');
    await operator.result(first.request_id);

    // Not every millisecond; but more than once in half a minute.
    await next('heartbeat', Heartbeat.parse);
    await next('heartbeat', Heartbeat.parse);
    await say('pcs.pc-1', '{"max_local_concurrent":');
    await eventually('what is wrong with them', () => agent.log().includes('what they said before holds'));
    await say('global', { client_display_name: 'IT department' });
    await eventually('the new name', async () => (await displayName(site)) === 'IT department');
    expect(agent.log()).toContain('"held_ms":1000');
    await agent.end();

    const alone = await site.start();
    expect(await displayName(site)).toBe('IT department');
    await alone.end();
  });
});

describe('settings', () => {
  it('of groups count while the machine is in them; two that say one thing are told of', async () => {
    const { broker, operator, next, say, site } = await openFleet(newest);
    await say('groups.a', { heartbeat_interval: '1s', client_display_name: 'A' });
    await say('groups.b', { heartbeat_interval: '1s', client_display_name: 'B' });
    await say('groups.c', { client_display_name: 'C' });
    await operator.put('agent_groups', 'pc-1', '{"groups":["a","b"]}');
    const agent = await site.start({ args: ['--server', broker.url] });
    const isTold = ({ config_conflicts = [] }: Heartbeat) => config_conflicts.includes('client_display_name');
    await next('heartbeat', Heartbeat.parse, isTold);
    expect(await displayName(site)).toBe('B');
    await eventually('a warning', () => agent.log().includes('"groups":["a","b"]'));
    await operator.put('agent_groups', 'pc-1', '{"groups":["a","c"]}');
    await eventually('the name of the other group', async () => (await displayName(site)) === 'C');
    await say('groups.c', {});
    await eventually('the name of the group that is left', async () => (await displayName(site)) === 'A');
    expect(agent.log().match(/"field":"client_display_name","groups":\["a","b"\]/g)).toHaveLength(1);
  });

  it('turn on what is told of the machine and its processes', async () => {
    const { broker, next, say, site } = await openFleet(newest);
    await say('global', { host_perf_interval: '1s', process_perf_enabled: true, process_perf_top_n: 3 });
    const first = next('host_perf', HostPerf.parse);
    const rated = next('host_perf', HostPerf.parse, ({ cpu_pct }) => cpu_pct !== undefined);
    const busiest = next('process_perf', ProcessPerf.parse, ({ processes }) => processes[0]?.cpu_pct !== undefined);
    await site.start({ args: ['--server', broker.url] });
    expect(await first).not.toHaveProperty('cpu_pct');
    const load = await rated;
    expect(load.cpu_pct).toBeGreaterThanOrEqual(0);
    expect(load.cpu_pct).toBeLessThanOrEqual(100);
    expect(load.net_rx_bytes_per_sec).toBeGreaterThan(0); // ours over loopback, at least
    const { processes } = await busiest;
    expect(processes).toHaveLength(3);
    const shares = processes.map(({ cpu_pct = 0 }) => cpu_pct);
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
  });
});
