import { expect, it } from 'vitest';
import { agentGroups, configDefaults, effectiveGroups, isProcessPerfActive, resolveConfig } from './agent-config.ts';

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
