import { expect, it } from 'vitest';
import { createLogger } from '../config/logger.ts';
import type { FleetView } from '../store/fleet-cache.ts';
import { createLiveSettings, layerKeys, readScope } from './settings.ts';

/** What the broker said, changed at will, and what became of it. */
function openSettings(first: Record<string, unknown> = {}, groups: readonly string[] = []) {
  let [said, memberOf] = [entries(first), groups];
  const lines: Record<string, unknown>[] = [];
  const listeners: Parameters<FleetView['watch']>[0][] = [];
  const settings = createLiveSettings({
    pcId: 'pc-1',
    view: {
      settings: () => said,
      groups: () => memberOf,
      watch: (listener) => {
        listeners.push(listener);
        return () => undefined;
      },
    },
    log: createLogger('warn', (line) => lines.push(JSON.parse(line))),
  });
  const tell = (bucket: 'agent_config' | 'agent_groups'): void => {
    for (const listener of listeners) listener(bucket, undefined);
  };
  return {
    settings,
    warnings: () => lines.splice(0).map(({ level: _, time: __, ...line }) => line),
    say(next: Record<string, unknown>): void {
      said = entries(next);
      tell('agent_config');
    },
    join(...next: string[]): void {
      memberOf = next;
      tell('agent_groups');
    },
  };
}

const entries = (scopes: Record<string, unknown>) =>
  new Map(Object.entries(scopes).map(([key, scope]) => [key, JSON.stringify(scope)]));

it('holds what is built in while nothing is said', () => {
  const { settings, warnings } = openSettings();
  expect(settings.current).toMatchObject({
    placesMax: undefined,
    heartbeatMs: 30_000,
    hostPerfMs: 60_000,
    displayName: undefined,
    logLevel: undefined,
    conflicts: [],
  });
  expect(settings.current.processesMax(Date.now())).toBe(0);
  expect(warnings()).toEqual([]);
});

it('follows layers and membership, tells of changes only, and warns of a conflict once until it is over', () => {
  const site = openSettings({ global: { max_local_concurrent: 3 } });
  const seen: (number | undefined)[] = [];
  site.settings.watch(({ placesMax }) => seen.push(placesMax));
  const groups = { 'groups.a': { max_local_concurrent: 4 }, 'groups.b': { max_local_concurrent: 5 } };
  site.say({ global: { max_local_concurrent: 3 }, ...groups });
  expect(seen).toEqual([]); // it is in neither
  site.join('a', 'b');
  site.join('b', 'a');
  const conflict = {
    kind: 'MultiGroupConflict',
    field: 'max_local_concurrent',
    groups: ['a', 'b'],
    msg: 'several groups of this machine make one setting',
  };
  expect(site.warnings()).toEqual([conflict]);
  expect(site.settings.current.conflicts).toEqual(['max_local_concurrent']);
  site.say({ ...groups, 'pcs.pc-1': { max_local_concurrent: 6 } });
  expect(site.warnings()).toEqual([]);
  site.join('b');
  expect(site.settings.current.conflicts).toEqual([]);
  site.say(groups);
  site.join('a', 'b');
  expect(site.warnings()).toEqual([conflict]);
  expect(seen).toEqual([5, 6, 6, 5, 5]);
});

it('keeps intervals within bounds and says so; what cannot be meant does not count', () => {
  const { settings, warnings } = openSettings({
    global: { heartbeat_interval: '1ms', host_perf_interval: '-5s', log_level: 'loud', target_version: '../9' },
    'pcs.pc-1': { client_display_name: 'Ω'.repeat(500), process_perf_enabled: true, process_perf_top_n: 1e6 },
  });
  expect(settings.current).toMatchObject({
    heartbeatMs: 1_000,
    hostPerfMs: 60_000,
    logLevel: undefined,
    target: undefined,
  });
  expect(settings.current.displayName).toBe('Ω'.repeat(100));
  expect(settings.current.processesMax(Date.now())).toBe(500);
  expect(warnings().map(({ field, msg }) => [field, msg])).toEqual([
    ['host_perf_interval', 'a setting is no duration: the built-in one holds'],
    ['log_level', 'a setting is no level of the log: it does not count'],
    ['heartbeat_interval', 'an interval is kept within bounds'],
    ['target_version', 'a setting is no version: it does not count'],
  ]);
});

it('asks the wall clock whether processes are wanted, whenever it is asked', () => {
  const process_perf_expires_at = '2026-01-01T12:00:00Z';
  const { settings } = openSettings({ global: { process_perf_enabled: true, process_perf_expires_at } });
  const atMs = Date.parse(process_perf_expires_at);
  expect([atMs - 1, atMs, atMs - 1].map((nowMs) => settings.current.processesMax(nowMs))).toEqual([20, 0, 20]);
});

it.each([
  ['no JSON', '{'],
  ['must be an object', '[]'],
  ['must be an object', 'null'],
  ['max_local_concurrent', '{"max_local_concurrent":0}'],
  ['max_local_concurrent', '{"max_local_concurrent":1.5}'],
  ['process_perf_expires_at', '{"process_perf_expires_at":"soon"}'],
  ['more than 8192 bytes', JSON.stringify({ note: 'x'.repeat(1_000_000) })],
  ['levels', `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`],
])('readScope() says %s', (fault, text) => {
  expect(readScope(Buffer.from(text)).fault).toContain(fault);
});

it('readScope() takes keys that every object has for unknown ones', () => {
  const { scope } = readScope('{"__proto__":{"heartbeat_interval":"1s"},"constructor":1,"log_level":null}');
  expect(scope?.heartbeat_interval).toBeUndefined();
});

it('10,000 groups are resolved at once, and the first 1,000 of them count', () => {
  const groups = Array.from({ length: 10_000 }, (_, index) => `g${String(index).padStart(5, '0')}`);
  const scopes = Object.fromEntries(
    groups.map((group, index) => [`groups.${group}`, { max_local_concurrent: index + 1 }]),
  );
  const { settings, warnings } = openSettings(scopes, groups);
  expect(settings.current.placesMax).toBe(1_000);
  expect(warnings().map(({ msg }) => msg)).toContain('this machine is in more groups than can have settings for it');
  expect(layerKeys('pc-1', groups)).toHaveLength(1_002);
});
