import { expect, it } from 'vitest';
import {
  agentGroups,
  configDefaults,
  effectiveGroups,
  intervalMsOf,
  isProcessPerfActive,
  resolveConfig,
  strictConfigScope,
} from './agent-config.ts';

it('resolveConfig() without anything gives the built-in settings', () => {
  expect(resolveConfig({}, ['lab'])).toEqual({ config: configDefaults, warnings: [] });
});

it('resolveConfig() goes global, groups in alphabetical order, machine', () => {
  const scopes = {
    global: { heartbeat_interval: '1m', target_version: '1', client_display_name: 'IT' },
    groups: {
      zoo: { target_version: '3', process_perf_top_n: 5 },
      lab: { target_version: '2', heartbeat_interval: null },
      other: { target_version: '9' },
    },
    pc: { max_local_concurrent: 2 },
  };
  expect(resolveConfig(scopes, ['zoo', 'lab', 'lab', 'gone'])).toEqual({
    config: {
      ...configDefaults,
      heartbeat_interval: '1m',
      target_version: '3',
      client_display_name: 'IT',
      process_perf_top_n: 5,
      max_local_concurrent: 2,
    },
    warnings: [{ kind: 'MultiGroupConflict', field: 'target_version', groups: ['lab', 'zoo'] }],
  });
});

it('resolveConfig() takes the built-in duration for a malformed one, not that of the layer below', () => {
  const { config } = resolveConfig({ global: { heartbeat_interval: '5m' }, pc: { heartbeat_interval: 'soon' } }, []);
  expect(config.heartbeat_interval).toBe('30s');
});

it('resolveConfig() takes no unknown level of the log, and a group named like a part of every object for a group', () => {
  const groups = Object.fromEntries([['__proto__', { log_level: 'debug' }]]);
  expect(resolveConfig({ global: { log_level: 'loud' }, groups }, ['constructor']).config).toEqual(configDefaults);
  expect(resolveConfig({ groups }, ['__proto__']).config).toEqual({ ...configDefaults, log_level: 'debug' });
});

it('strictConfigScope() names what a reader would only leave out', () => {
  expect(strictConfigScope({ heartbeat_interval: 'soon', log_level: 'loud', more: 1 })).toEqual({
    ok: false,
    faults: [
      { path: 'more', message: 'unknown key' },
      { path: 'heartbeat_interval', message: 'must be a duration such as 30s, 10m or 1h 30m' },
      { path: 'log_level', message: 'must be one of trace, debug, info, warn, error, fatal, silent' },
    ],
  });
});

it.each([
  ['1m', 60_000],
  ['0s', 1_000],
  ['1ms', 1_000],
  ['52w', 3_600_000],
])('intervalMsOf() keeps %s as %i ms', (heartbeat_interval, ms) => {
  expect(intervalMsOf({ ...configDefaults, heartbeat_interval }, 'heartbeat_interval')).toBe(ms);
});

it.each([
  [false, undefined, false],
  [true, undefined, true],
  [true, '2026-11-21T08:00:00.001Z', true],
  [true, '2026-11-21T08:00:00Z', false],
])('isProcessPerfActive(): enabled %s, expires %s: %s', (enabled, expires, active) => {
  const config = { ...configDefaults, process_perf_enabled: enabled, process_perf_expires_at: expires };
  expect(isProcessPerfActive(config, Date.parse('2026-11-21T08:00:00Z'))).toBe(active);
});

it('agentGroups() and effectiveGroups() are sorted and without doubles', () => {
  expect(agentGroups(['b', 'a', 'b', 'B'])).toEqual({ groups: ['B', 'a', 'b'] });
  expect(effectiveGroups({ groups: ['b'] }, { groups: ['a', 'b'] })).toEqual(['a', 'b']);
  expect(effectiveGroups()).toEqual([]);
});
