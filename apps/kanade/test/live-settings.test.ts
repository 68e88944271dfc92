/** Settings from one end to the other: an operator says one thing, and a machine that runs does it. */
import { eventually, natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';

// The agent's own suites run on both servers.
const servers = (await natsServers()).slice(-1);

describe.each(servers)('settings of a running machine on nats-server $version', ({ path }) => {
  let site: FleetSite;
  beforeAll(async () => {
    site = await openFleetSite(path, ['pc-1']);
  });
  afterAll(() => site[Symbol.asyncDispose]());

  const inLog = (what: string, text: string) =>
    eventually(what, async () => {
      const { stdout } = await site.begin({}, 'logs', 'pc-1', '--lines', '200').ended;
      return stdout.replaceAll('\\"', '"').includes(text);
    });

  it('more places let in who waits, without a restart', async () => {
    await site.fleet('config', 'set', 'max_local_concurrent', '1');
    await inLog('the machine to know', '"max_local_concurrent":1');
    const [first, second] = [await site.putGated('first'), await site.putGated('second')];
    await site.fleet('exec', 'first', '--pc', 'pc-1');
    await eventually('the first run', () => first.begun() === 1);
    await site.fleet('exec', 'second', '--pc', 'pc-1');
    await site.fleet('ping', 'pc-1');
    expect(second.begun()).toBe(0);
    await site.fleet('config', 'set', 'max_local_concurrent', '2', '--pc', 'pc-1');
    await eventually('the second run', () => second.begun() === 1);
    first.open();
    second.open();
  });

  it('heartbeats come as often as is said, with what is doubtful; load comes with them', async () => {
    await site.fleet('group', 'add', 'a', 'pc-1');
    await site.fleet('group', 'add', 'b', 'pc-1');
    for (const group of ['a', 'b']) await site.fleet('config', 'set', 'heartbeat_interval', '1s', '--group', group);
    await site.fleet('config', 'set', 'host_perf_interval', '1s');
    await inLog('the conflict to be told', '"kind":"MultiGroupConflict"');
    await eventually('a heartbeat and a load', async () => {
      const { agents } = await site.fleet('agents', '--listen', '2');
      const [own] = agents as { config_conflicts?: string[]; host_perf?: { mem_used_bytes?: number } }[];
      return own?.config_conflicts?.includes('heartbeat_interval') && (own.host_perf?.mem_used_bytes ?? 0) > 0;
    });
  });
});
