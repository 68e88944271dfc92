/** What an operator says of machines, from the far end: settings, groups, notes, the freeze. One broker and one agent. */
import { eventually, natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';

// The library's own suite runs on both servers; one is enough to see that the commands are wired to it.
const servers = (await natsServers()).slice(-1);

describe.each(servers)('settings of a fleet on nats-server $version', ({ path }) => {
  let site: FleetSite;
  beforeAll(async () => {
    site = await openFleetSite(path, ['pc-1']);
    await eventually('the start of pc-1 is known', async () => {
      const { records } = await site.fleet('events', '--pc', 'pc-1', '--kind', 'agent_started');
      return (records as unknown[]).length > 0;
    });
  });
  afterAll(() => site[Symbol.asyncDispose]());

  it('a machine that is put into a group takes its orders', async () => {
    await site.put('grouped', 'echo grouped');
    expect(await site.fleet('group', 'add', 'lab', 'pc-1', 'pc-9')).toMatchObject({
      ...{ ok: true, type: 'fleet.group.add', added: ['pc-1', 'pc-9'], already: [], unheard: ['pc-9'] },
    });
    expect(await site.fleet('group', 'list')).toMatchObject({ groups: [{ group: 'lab', machines: 2, derived: 0 }] });
    expect(await site.fleet('exec', 'grouped', '--group', 'lab', '--wait')).toMatchObject({
      results: [{ pc_id: 'pc-1', stdout: 'grouped\n' }],
    });
    expect(await site.fleet('group', 'remove', 'lab', 'pc-1')).toMatchObject({ removed: ['pc-1'], still_in: [] });
    expect(await site.fleet('group', 'show', 'lab')).toMatchObject({ machines: [{ pc_id: 'pc-9', given: true }] });
    expect(await site.fleet('group', 'show', 'none')).toMatchObject({ status: 1, error: { code: 'group_not_found' } });
  });

  it('settings of the fleet, a group and a machine come together, and every change is on record', async () => {
    await site.fleet('group', 'add', 'lab', 'pc-1');
    const set = (...args: string[]) => site.fleet('config', 'set', ...args);
    expect(await set('heartbeat_interval', '1m')).toMatchObject({ ok: true, scope: 'global', value: '1m' });
    await set('max_local_concurrent', '2', '--group', 'lab');
    await set('client_display_name', 'Ada', '--pc', 'pc-1');
    const { groups, settings } = await site.fleet('config', 'effective', 'pc-1');
    expect(groups).toEqual(['lab']);
    expect((settings as { from: string }[]).filter(({ from }) => from !== 'built-in')).toMatchObject([
      { field: 'max_local_concurrent', value: 2, from: 'groups.lab' },
      { field: 'heartbeat_interval', value: '1m', from: 'global' },
      { field: 'client_display_name', value: 'Ada', from: 'pcs.pc-1' },
    ]);
    const { stdout } = await site.begin({}, 'config', 'effective', 'pc-1', '--human').ended;
    expect(stdout).toMatch(/^max_local_concurrent +2 +groups\.lab$/m);
    expect(await site.fleet('config', 'get', '--group', 'lab')).toMatchObject({
      settings: { max_local_concurrent: 2 },
    });
    expect(await site.fleet('config', 'unset', '--all', '--pc', 'pc-1')).toMatchObject({
      removed: { client_display_name: 'Ada' },
    });
    expect(await set('target_version', '9')).toMatchObject({ status: 1, error: { code: 'config_invalid' } });
    expect(await set('heartbeat_interval', 'soon')).toMatchObject({
      ...{ status: 1, error: { code: 'config_invalid', details: { faults: [{ path: 'heartbeat_interval' }] } } },
    });
    expect(await site.fleet('audit', '--limit', '2')).toMatchObject({
      records: [
        { action: 'config.unset', about: 'pcs.pc-1', details: { removed: { client_display_name: 'Ada' } } },
        { action: 'config.set', about: 'pcs.pc-1', details: { field: 'client_display_name', value: 'Ada' } },
      ],
    });
  });

  it('notes and the freeze are kept, shown and taken away', async () => {
    expect(await site.fleet('meta', 'set', 'pc-1', 'owner', 'Ada, room 12')).toMatchObject({ ok: true, key: 'owner' });
    expect(await site.fleet('meta', 'get', 'pc-1')).toMatchObject({ notes: [{ key: 'owner', text: 'Ada, room 12' }] });
    expect(await site.fleet('meta', 'rm', 'pc-1', 'owner')).toMatchObject({ removed: ['owner'] });
    expect(await site.fleet('meta', 'get', 'pc-1', 'owner')).toMatchObject({ error: { code: 'note_not_found' } });
    const said = await site.begin({}, 'freeze', 'set', '--for', '2h', '--human').ended;
    expect(said.stdout).toMatch(/schedules stand still until 20.*\n(.*\n)*.*orders of operators go on/);
    expect(await site.fleet('freeze', 'status')).toMatchObject({ state: 'frozen', frozen: true });
    await site.put('frozen', 'true');
    expect(await site.fleet('exec', 'frozen', '--pc', 'pc-1', '--wait')).toMatchObject({ results: [{ exit_code: 0 }] });
    expect(await site.fleet('freeze', 'clear')).toMatchObject({ ok: true, state: 'none', before: { state: 'frozen' } });
  });
});
