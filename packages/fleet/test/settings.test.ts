/** What operators say of machines, on a real broker: two of them at once lose nothing, and nothing hostile gets in. */
import { bucketStream, buckets, bucketsOnDemand, entrySubject } from '@kanade/shared/fleet';
import { natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import type { Fleet } from '../src/index.ts';
import {
  addToGroup,
  clearFreeze,
  effectiveSettings,
  listGroups,
  noteLimits,
  readFreeze,
  readGroup,
  readNotes,
  readSettings,
  removeFromGroup,
  removeNotes,
  setFreeze,
  setNote,
  setSetting,
  unsetSettings,
} from '../src/settings.ts';
import { openTestFleet } from './open-test-fleet.ts';

const nowMs = Date.parse('2026-11-21T08:00:00Z');
const everywhere = { kind: 'global' } as const;
const ofLab = { kind: 'group', group: 'lab' } as const;
const ofPc = { kind: 'pc', pc: 'pc-1' } as const;

const put = (fleet: Fleet, bucket: string, key: string, text: string) =>
  fleet.jetstream.publish(entrySubject(bucket, key), text);

async function stored(fleet: Fleet, bucket: string, key: string): Promise<unknown> {
  const { streams } = await fleet.jetstream.jetstreamManager();
  const message = await streams.getMessage(bucketStream(bucket), { last_by_subj: entrySubject(bucket, key) });
  return message?.header.get('KV-Operation') ? undefined : message && JSON.parse(message.string());
}

async function addBucket(fleet: Fleet, name: string): Promise<void> {
  const { streams } = await fleet.jetstream.jetstreamManager();
  const { config } = await streams.info(bucketStream(buckets.agentGroups));
  await streams.add({ ...config, name: bucketStream(name), subjects: [entrySubject(name, '>')] });
}

const set = (fleet: Fleet, field: string, text: string, address: Parameters<typeof setSetting>[1] = everywhere) =>
  setSetting(fleet, address, { field, text, nowMs });

describe.each(await natsServers())('settings on nats-server $version', ({ path }) => {
  it('are set, read and taken out again, and what others wrote stays', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await put(fleet, buckets.agentConfig, 'global', '{"of_a_newer_version":[1],"__proto__":{"a":1}}');
    await put(fleet, buckets.agentConfig, 'target_version', 'an old key');
    expect(await set(fleet, 'heartbeat_interval', '1m')).toEqual({
      ...{ key: 'global', field: 'heartbeat_interval', value: '1m' },
    });
    expect(await set(fleet, 'heartbeat_interval', '2m')).toMatchObject({ before: '1m', value: '2m' });
    await set(fleet, 'process_perf_enabled', 'false');
    await set(fleet, 'process_perf_expires_at', '2h');
    const written = { process_perf_enabled: false, process_perf_expires_at: '2026-11-21T10:00:00.000Z' };
    expect(await readSettings(fleet, everywhere)).toMatchObject({
      ...{ key: 'global', faults: [], settings: { of_a_newer_version: [1], heartbeat_interval: '2m', ...written } },
    });
    expect(JSON.stringify(await stored(fleet, buckets.agentConfig, 'global'))).toContain('"__proto__":{"a":1}');
    const fields = ['heartbeat_interval', 'of_a_newer_version', 'host_perf_interval', '__proto__'];
    expect((await unsetSettings(fleet, everywhere, { fields })).removed).toMatchObject({
      ...{ heartbeat_interval: '2m', of_a_newer_version: [1] },
    });
    expect(await readSettings(fleet, everywhere)).toMatchObject({ settings: written });
    expect(await unsetSettings(fleet, everywhere, { fields: 'all' })).toEqual({ key: 'global', removed: written });
    expect(await readSettings(fleet, everywhere)).toEqual({ key: 'global', settings: {}, faults: [] });
    expect(await unsetSettings(fleet, everywhere, { fields: 'all' })).toEqual({ key: 'global', removed: {} });
  });

  it('refuse what is no field or no value of it, and write nothing', async () => {
    await using opened = await openTestFleet(path);
    for (const [field, text] of [
      ['max_local_concurrent', '0'],
      ['max_local_concurrent', 'NaN'],
      ['max_local_concurrent', '-1'],
      ['max_local_concurrent', '1e9'],
      ['process_perf_top_n', '1.5'],
      ['process_perf_enabled', 'yes'],
      ['process_perf_expires_at', 'tomorrow'],
      ['process_perf_expires_at', '999999999999w'],
      ['heartbeat_interval', 'soon'],
      ['heartbeat_interval', '1ms'],
      ['host_perf_interval', '2h'],
      ['process_perf_top_n', '501'],
      ['log_level', 'loud'],
      ['client_display_name', '\u001b[2J'],
      ['client_display_name', ''],
      ['client_display_name', 'x'.repeat(1_000_000)],
      ['heartbeat', '1m'],
      ['__proto__', '1'],
      ['constructor', '1'],
      ['x'.repeat(1_000_000), '1'],
      ['target_version', '../1'],
      ['target_version_jitter', '2w'],
    ] as const) {
      const fault = await set(opened.fleet, field, text).catch((error: Error) => error);
      expect(fault).toMatchObject({ name: 'FleetError', code: 'config_invalid' });
      expect(String(fault).length).toBeLessThan(1_000);
    }
    expect(await stored(opened.fleet, buckets.agentConfig, 'global')).toBeFalsy();
  });

  it('refuse ids that are none, and say what cannot be read or changed', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    for (const id of ['..', 'a b', '', '*', '>', 'a/b', 'x'.repeat(1_000_000), '\u0000']) {
      const calls = [
        () => readSettings(fleet, { kind: 'pc', pc: id }),
        () => set(fleet, 'heartbeat_interval', '1m', { kind: 'group', group: id }),
        () => effectiveSettings(fleet, id),
        () => addToGroup(fleet, id, { pcs: ['pc-1'] }),
        () => removeFromGroup(fleet, 'lab', { pcs: [id] }),
        () => readGroup(fleet, id),
        () => setNote(fleet, id, { key: 'a', text: '' }),
        () => readNotes(fleet, id),
      ];
      for (const call of calls) {
        const fault = await call().catch((error: Error) => error);
        expect(fault).toMatchObject({ code: 'invalid_id' });
        expect(String(fault).length).toBeLessThan(500);
      }
    }
    for (const text of ['no json', '[]', 'null', '\u0000', '']) {
      await put(fleet, buckets.agentConfig, 'pcs.pc-1', text);
      await put(fleet, buckets.agentMeta, 'pc-1', text);
      await put(fleet, buckets.agentGroups, 'pc-1', text);
      const unreadable = { code: 'stored_unreadable' };
      await expect(readSettings(fleet, ofPc)).rejects.toMatchObject(unreadable);
      await expect(set(fleet, 'heartbeat_interval', '1m', ofPc)).rejects.toMatchObject(unreadable);
      await expect(readNotes(fleet, 'pc-1')).rejects.toMatchObject(unreadable);
      await expect(addToGroup(fleet, 'lab', { pcs: ['pc-1'] })).rejects.toMatchObject(unreadable);
      expect(await effectiveSettings(fleet, 'pc-1')).toMatchObject({ groups: [], unreadable: [{ key: 'pcs.pc-1' }] });
    }
    expect(await unsetSettings(fleet, ofPc, { fields: 'all' })).toEqual({ key: 'pcs.pc-1', removed: {} });
    expect(await readSettings(fleet, ofPc)).toMatchObject({ settings: {} });
  });

  it('of many operators at once all stay', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const fields = [
      ['heartbeat_interval', '1m'],
      ['host_perf_interval', '2m'],
      ['max_local_concurrent', '3'],
      ['process_perf_top_n', '4'],
      ['client_display_name', 'Ada'],
    ] as const;
    const groups = Array.from({ length: 8 }, (_, at) => `g-${at}`);
    await Promise.all([
      ...fields.map(([field, text]) => set(fleet, field, text)),
      ...groups.map((group) => addToGroup(fleet, group, { pcs: ['pc-1', 'pc-2'] })),
      ...groups.map((key) => setNote(fleet, 'pc-1', { key, text: key })),
    ]);
    const wanted = { heartbeat_interval: '1m', host_perf_interval: '2m', max_local_concurrent: 3 };
    expect((await readSettings(fleet, everywhere)).settings).toEqual({
      ...{ ...wanted, process_perf_top_n: 4, client_display_name: 'Ada' },
    });
    for (const pc of ['pc-1', 'pc-2']) expect(await stored(fleet, buckets.agentGroups, pc)).toEqual({ groups });
    expect([...(await readNotes(fleet, 'pc-1')).keys()]).toEqual(groups);
    await Promise.all(groups.map((group) => removeFromGroup(fleet, group, { pcs: ['pc-2'] })));
    expect(await stored(fleet, buckets.agentGroups, 'pc-2')).toEqual({ groups: [] });
  });

  it('of one machine come together: which scope each is from, what is ignored, what is in conflict', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await addBucket(fleet, bucketsOnDemand.agentGroupsDerived);
    await addToGroup(fleet, 'lab', { pcs: ['pc-1'] });
    await put(fleet, bucketsOnDemand.agentGroupsDerived, 'pc-1', '{"groups":["web"]}');
    await set(fleet, 'heartbeat_interval', '1m');
    await set(fleet, 'max_local_concurrent', '2', ofLab);
    await set(fleet, 'max_local_concurrent', '4', { kind: 'group', group: 'web' });
    await set(fleet, 'client_display_name', 'Ada', ofPc);
    await put(fleet, buckets.agentConfig, 'groups.other', '{"heartbeat_interval":"9m"}');
    await put(fleet, buckets.agentConfig, 'groups.lab', '{"max_local_concurrent":2,"host_perf_interval":"soon"}');
    const { groups, settings, conflicts, unreadable } = await effectiveSettings(fleet, 'pc-1');
    expect({ groups, conflicts, unreadable }).toEqual({
      groups: ['lab', 'web'],
      conflicts: [{ kind: 'MultiGroupConflict', field: 'max_local_concurrent', groups: ['lab', 'web'] }],
      unreadable: [],
    });
    expect(Object.fromEntries(settings.map(({ field, ...rest }) => [field, rest]))).toMatchObject({
      heartbeat_interval: { value: '1m', from: 'global' },
      max_local_concurrent: { value: 4, from: 'groups.web' },
      client_display_name: { value: 'Ada', from: 'pcs.pc-1' },
      host_perf_interval: { value: '60s', from: 'built-in', ignored: { value: 'soon', from: 'groups.lab' } },
      process_perf_enabled: { value: false, from: 'built-in' },
      target_version: { from: 'built-in' },
      target_version_jitter: { value: '10m', from: 'built-in' },
    });
    await put(fleet, buckets.agentConfig, 'groups.web', '{"max_local_concurrent":"many"}');
    expect(await effectiveSettings(fleet, 'pc-1')).toMatchObject({
      unreadable: [{ key: 'groups.web' }],
      conflicts: [],
    });
    const unknown = await effectiveSettings(fleet, 'nobody');
    expect(unknown.settings.find(({ field }) => field === 'heartbeat_interval')).toMatchObject({ value: '1m' });
  });

  it('groups: counted, shown with why, and what is derived stays', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await fleet.jetstream.publish('obs.pc-1', '{}');
    await put(fleet, buckets.agentGroups, 'pc-2', '{"groups":["lab"],"of_a_newer_version":1}');
    expect(await addToGroup(fleet, 'lab', { pcs: ['pc-2', 'pc-1', 'pc-9'] })).toEqual({
      ...{ added: ['pc-1', 'pc-9'], already: ['pc-2'], unheard: ['pc-2', 'pc-9'] },
    });
    expect(await listGroups(fleet)).toEqual([{ group: 'lab', machines: 3, given: 3, derived: 0 }]);
    await addBucket(fleet, bucketsOnDemand.agentGroupsDerived);
    await put(fleet, bucketsOnDemand.agentGroupsDerived, 'pc-3', '{"groups":["lab","web"]}');
    await put(fleet, bucketsOnDemand.agentGroupsDerived, 'pc-1', '{"groups":["lab"]}');
    expect(await listGroups(fleet)).toEqual([
      { group: 'lab', machines: 4, given: 3, derived: 2 },
      { group: 'web', machines: 1, given: 0, derived: 1 },
    ]);
    expect(await readGroup(fleet, 'lab')).toEqual([
      { pc: 'pc-1', given: true, derived: true },
      { pc: 'pc-2', given: true, derived: false },
      { pc: 'pc-3', given: false, derived: true },
      { pc: 'pc-9', given: true, derived: false },
    ]);
    await expect(removeFromGroup(fleet, 'lab', { pcs: ['pc-2', 'pc-3'] })).rejects.toMatchObject({
      ...{ code: 'group_derived', message: expect.stringContaining('of pc-3, ') },
    });
    expect(await stored(fleet, buckets.agentGroups, 'pc-2')).toEqual({ groups: ['lab'], of_a_newer_version: 1 });
    expect(await removeFromGroup(fleet, 'lab', { pcs: ['pc-1', 'pc-2', 'pc-7'] })).toEqual({
      ...{ removed: ['pc-1', 'pc-2'], absent: ['pc-7'], stillIn: ['pc-1'] },
    });
    expect(await stored(fleet, buckets.agentGroups, 'pc-2')).toEqual({ groups: [], of_a_newer_version: 1 });
    await expect(readGroup(fleet, 'nobody')).rejects.toMatchObject({ code: 'group_not_found' });
  });

  it('notes: written, replaced, taken away, and nothing that a terminal would obey', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await put(fleet, buckets.agentMeta, 'pc-1', '{"entries":{"an older key":"kept"},"of_a_newer_version":1}');
    const note = (key: string, text: string) => setNote(fleet, 'pc-1', { key, text });
    expect([await note('owner', 'Ada'), await note('owner', 'Grace'), await note('room', '12\n\tleft')]).toEqual([
      ...[undefined, 'Ada', undefined],
    ]);
    expect([...(await readNotes(fleet, 'pc-1'))]).toEqual([
      ['an older key', 'kept'],
      ['owner', 'Grace'],
      ['room', '12\n\tleft'],
    ]);
    expect(await removeNotes(fleet, 'pc-1', { keys: ['an older key', 'nothing', 'room'] })).toEqual([
      ...['an older key', 'room'],
    ]);
    expect(await stored(fleet, buckets.agentMeta, 'pc-1')).toEqual({
      ...{ entries: { owner: 'Grace' }, of_a_newer_version: 1 },
    });
    const tooLong = 'x'.repeat(1_000_000);
    for (const [key, text] of [
      ['', 'a'],
      ['__proto__', 'a'],
      ['a b', 'a'],
      ['..', 'a'],
      [tooLong, 'a'],
      ['a', tooLong],
      ['a', '\u001b]0;x\u0007'],
      ['a', '\r'],
    ] as const) {
      await expect(note(key, text)).rejects.toMatchObject({ code: 'meta_invalid' });
    }
    const full = Object.fromEntries(Array.from({ length: noteLimits.keysMax }, (_, at) => [`k${at}`, '']));
    await put(fleet, buckets.agentMeta, 'pc-1', JSON.stringify({ entries: full }));
    await expect(note('one-more', '')).rejects.toMatchObject({ code: 'meta_invalid' });
    expect(await note('k1', 'replaced')).toBe('');
  });

  it('the freeze: at once, in a window, over, unreadable, cleared', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    expect(await readFreeze(fleet, { nowMs })).toEqual({ state: 'none', frozen: false });
    const none = { state: 'none', frozen: false };
    expect(await setFreeze(fleet, { nowMs })).toEqual({ before: none, now: { state: 'frozen', frozen: true } });
    const [from, until] = ['2026-11-21T10:00:00Z', '2026-11-21T11:00:00Z'];
    const { now } = await setFreeze(fleet, { from, until, nowMs });
    expect(now).toEqual({ state: 'ahead', frozen: false, from, until });
    const stateAt = async (text: string) => (await readFreeze(fleet, { nowMs: Date.parse(text) })).state;
    expect([await stateAt(from), await stateAt('2026-11-21T10:59:59.999Z'), await stateAt(until)]).toEqual([
      ...['frozen', 'frozen', 'over'],
    ]);
    for (const window of [{ from: until, until: from }, { from, until: from }, { until: '2020-01-01T00:00:00Z' }]) {
      await expect(setFreeze(fleet, { ...window, nowMs })).rejects.toMatchObject({ code: 'freeze_invalid' });
    }
    await put(fleet, buckets.fleetConfig, 'freeze', 'no json');
    expect(await readFreeze(fleet, { nowMs })).toEqual({ state: 'unreadable', frozen: true });
    expect(await clearFreeze(fleet, { nowMs })).toEqual({ state: 'unreadable', frozen: true });
    expect(await clearFreeze(fleet, { nowMs })).toEqual(none);
    expect(await readFreeze(fleet, { nowMs })).toEqual(none);
  });

  it('a fleet that was set up before its buckets came reads as empty, and says what to do before it is written to', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const { streams } = await fleet.jetstream.jetstreamManager();
    for (const name of [buckets.agentConfig, buckets.agentMeta, buckets.fleetConfig])
      await streams.delete(bucketStream(name));
    expect(await readSettings(fleet, everywhere)).toMatchObject({ settings: {} });
    expect((await effectiveSettings(fleet, 'pc-1')).unreadable).toEqual([]);
    expect(await readFreeze(fleet, { nowMs })).toMatchObject({ state: 'none' });
    expect((await readNotes(fleet, 'pc-1')).size).toBe(0);
    const missing = { code: 'no_topology', message: expect.stringContaining('kanade fleet setup') };
    await expect(set(fleet, 'heartbeat_interval', '1m')).rejects.toMatchObject(missing);
    await expect(setNote(fleet, 'pc-1', { key: 'a', text: '' })).rejects.toMatchObject(missing);
    await expect(setFreeze(fleet, { nowMs })).rejects.toMatchObject(missing);
  });
});
