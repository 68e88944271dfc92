import { expect, it } from 'vitest';
import { commandOf, isMeant, isShown, Manifest, tierOf } from './manifest.ts';
import { strictManifest } from './strict-manifest.ts';

const good = { id: 'disk-report', version: '1.0.0', execute: { shell: 'sh', timeout: '1m', script: 'df' } };
const faults = (value: unknown): string[] => {
  const result = strictManifest(value);
  return result.ok ? [] : result.faults.map(({ path, message }) => `${path}: ${message}`);
};

it('strictManifest() takes a good manifest as it is', () => {
  expect(strictManifest(good)).toEqual({ ok: true, manifest: good });
});

it.each([
  ['unknown key', { ...good, tpyo: 1 }, ['tpyo: unknown key']],
  ['unknown nested key', { ...good, execute: { ...good.execute, scirpt: 'x' } }, ['execute.scirpt: unknown key']],
  [
    'two scripts',
    { ...good, execute: { ...good.execute, script_object: 'a/1' } },
    ['execute: needs exactly one of script, script_file and script_object: 2 given'],
  ],
  [
    'a script object that no script can be called by',
    { ...good, execute: { shell: 'sh', timeout: '1m', script_object: '../a/1' } },
    ['execute.script_object: must be NAME/VERSION, each of A-Z a-z 0-9 _ . -: "../a/1"'],
  ],
  [
    'empty script counts as none',
    { ...good, execute: { ...good.execute, script: '' } },
    ['execute: needs exactly one of script, script_file and script_object: 0 given'],
  ],
  [
    'bad duration',
    { ...good, execute: { ...good.execute, timeout: 'soon' } },
    ['execute.timeout: must be a duration such as 30s, 10m or 1h 30m'],
  ],
  [
    'visible to nobody',
    { ...good, client: { name: 'n', category: 'c', visible_to: {} } },
    ['client.visible_to: names nobody: give all: true, groups or pcs'],
  ],
  [
    'blank confirm message',
    { ...good, client: { name: 'n', category: 'c', confirm: { message: ' ' } } },
    expect.arrayContaining([expect.stringContaining('client.confirm')]),
  ],
  [
    'every fault at once',
    { ...good, id: '../x', tpyo: 1 },
    expect.arrayContaining(['tpyo: unknown key', expect.stringContaining('id: must be')]),
  ],
])('strictManifest() reports %s', (_name, value, expected) => {
  expect(faults(value)).toEqual(expected);
});

it('Manifest keeps what it does not know', () => {
  const newer = { ...good, later: { deep: 1 }, execute: { ...good.execute, nice: 5 } };
  expect(Manifest.parse(newer)).toEqual(newer);
});

it('commandOf() lowers times to whole seconds, at least 1', () => {
  const manifest = Manifest.parse({ ...good, execute: { ...good.execute, timeout: '1500ms' } });
  expect(commandOf(manifest, { requestId: 'r', execId: null })).toEqual({
    id: 'disk-report',
    version: '1.0.0',
    request_id: 'r',
    exec_id: null,
    shell: 'sh',
    script: 'df',
    timeout_secs: 2,
  });
});

it('commandOf() takes along what happens with the output and afterwards', () => {
  const manifest = Manifest.parse({
    ...good,
    check: { name: 'disk' },
    collect: { name: 'logs' },
    finalize: { shell: 'sh', script: 'rm x', on_each_bundle: true },
  });
  expect(commandOf(manifest, { requestId: 'r', execId: 'e' })).toMatchObject({
    check: { name: 'disk' },
    collect: { name: 'logs' },
    finalize: { shell: 'sh', script: 'rm x', timeout_secs: 60, on_each_bundle: true },
  });
});

it('strictManifest() refuses a script file where it cannot be read', () => {
  const value = { ...good, execute: { shell: 'sh', timeout: '1m', script_file: 'x.sh' } };
  expect(strictManifest(value).ok).toBe(true);
  expect(strictManifest(value, { scriptFile: 'refused' })).toEqual({
    ok: false,
    faults: [{ path: 'execute.script_file', message: 'cannot be read from here: send its text as script' }],
  });
});

it('tierOf() makes a feed a job of controllers', () => {
  expect(tierOf({})).toBe('endpoint');
  expect(tierOf({ feed: [{ id: 'x', field: 'y', primary_key: ['z'] }] })).toBe('controller');
  expect(tierOf({ tier: 'controller' })).toBe('controller');
});

it('isMeant() and isShown() decide who sees a job', () => {
  const pc = { pcId: 'pc-1', groups: ['lab'] };
  const meant = [undefined, { all: true }, { pcs: ['pc-1'] }, { groups: ['lab'] }].map((to) => isMeant(to, pc));
  expect(meant).toEqual([true, true, true, true]);
  expect([{ all: false }, { pcs: ['pc-2'] }, { groups: ['it'] }].map((to) => isMeant(to, pc))).toEqual([
    false,
    false,
    false,
  ]);
  expect(isShown({ check: 'd', is: ['warn', 'fail'] }, 'fail')).toBe(true);
  expect(isShown({ check: 'd', is: 'ok' }, 'fail')).toBe(false);
  expect(isShown({ check: 'd', is: 'unknown' }, undefined)).toBe(false);
});
