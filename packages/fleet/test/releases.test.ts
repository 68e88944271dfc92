/** Releases of the agent, from their publishing to the setting that says who is to run them. */
import { createHash, randomBytes } from 'node:crypto';
import { natsServers, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { connectFleet, type Fleet } from '../src/index.ts';
import { objectInfo, readObjectBytes } from '../src/objects.ts';
import { listReleases, publishRelease, readRelease, readTargets, removeRelease, setTarget } from '../src/releases.ts';
import { readSettings, setSetting, unsetSettings } from '../src/settings.ts';
import { openTestFleet } from './open-test-fleet.ts';

const { path: newest } = await newestNatsServer();
const store = 'agent_releases';
const shaOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** An executable of a release, in pieces. */
function fileOf(platform: string, bytes: Uint8Array, sha256 = shaOf(bytes)) {
  const half = bytes.byteLength >> 1;
  return {
    ...{ platform, sha256, size: bytes.byteLength },
    async *open() {
      yield bytes.subarray(0, half);
      yield bytes.subarray(half);
    },
  };
}

const publish = (fleet: Fleet, version: string, manifest: string, ...files: ReturnType<typeof fileOf>[]) =>
  publishRelease(fleet, { version, manifest: Buffer.from(manifest), files });

describe.each(await natsServers())('releases on nats-server $version', ({ path }) => {
  it('are published, read, listed and wanted by scopes', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    expect(await listReleases(fleet)).toEqual([]);
    await expect(readRelease(fleet, '1.0.0')).rejects.toMatchObject({ code: 'release_not_found' });
    const [linux, windows] = [randomBytes(700_001), randomBytes(1000)];
    const files = [fileOf('linux-x86_64', linux), fileOf('windows-x86_64', windows)];
    expect(await publish(fleet, '1.0.0', 'signed', ...files)).toEqual({
      ...{ stored: ['linux-x86_64', 'windows-x86_64'], already: [], before: 'nothing' },
    });
    expect(await publish(fleet, '1.0.0', 'signed', ...files)).toMatchObject({ stored: [], before: 'the same' });
    expect(await publish(fleet, '1.0.0', 'signed anew', ...files.slice(0, 1))).toEqual({
      ...{ stored: [], already: ['linux-x86_64'], before: 'another' },
    });
    expect(Buffer.from(await readRelease(fleet, '1.0.0')).toString()).toBe('signed anew');
    const read = await readObjectBytes(fleet.connection, { store, name: '1.0.0-linux-x86_64', bytesMax: 1e6 });
    expect(read.ok && read.bytes.equals(linux)).toBe(true);
    await expect(publish(fleet, '1.0.0', 'other', fileOf('linux-x86_64', windows))).rejects.toMatchObject({
      code: 'release_exists',
    });
    await publish(fleet, '1.0.0-rc.1', 'signed', fileOf('linux-aarch64', windows));
    expect(await listReleases(fleet)).toMatchObject([
      { version: '1.0.0', platforms: ['linux-x86_64', 'windows-x86_64'] },
      { version: '1.0.0-rc.1', platforms: ['linux-aarch64'] },
    ]);

    expect(await readTargets(fleet)).toEqual([]);
    expect(await setTarget(fleet, { kind: 'global' }, { version: '1.0.0' })).toEqual({ key: 'global' });
    const again = { version: '1.0.0-rc.1', jitter: '5m' };
    expect(await setTarget(fleet, { kind: 'global' }, again)).toEqual({ key: 'global', before: { version: '1.0.0' } });
    await setSetting(fleet, { kind: 'pc', pc: 'pc-1' }, { field: 'heartbeat_interval', text: '5s', nowMs: 0 });
    await setTarget(fleet, { kind: 'group', group: 'lab' }, { version: '1.0.0' });
    expect(await readTargets(fleet)).toEqual([
      { key: 'global', ...again },
      { key: 'groups.lab', version: '1.0.0' },
    ]);
    expect(await readSettings(fleet, { kind: 'global' })).toMatchObject({
      settings: { target_version: '1.0.0-rc.1', target_version_jitter: '5m' },
      faults: [],
    });
    await expect(removeRelease(fleet, '1.0.0')).rejects.toMatchObject({ code: 'release_wanted' });
    await unsetSettings(fleet, { kind: 'group', group: 'lab' }, { fields: ['target_version'] });
    expect(await removeRelease(fleet, '1.0.0')).toEqual({
      platforms: ['linux-x86_64', 'windows-x86_64'],
      bytes: 701_012,
    });
    expect(await listReleases(fleet)).toMatchObject([{ version: '1.0.0-rc.1', platforms: ['linux-aarch64'] }]);
    await expect(removeRelease(fleet, '1.0.0')).rejects.toMatchObject({ code: 'release_not_found' });
    const manager = await jetstreamManager(fleet.connection);
    expect((await manager.streams.info(`OBJ_${store}`)).state.bytes).toBeLessThan(10_000);
    for (const wrong of [{ version: '../1' }, { version: '1.0.0', jitter: 'soon' }, { version: '1.0.0', jitter: '2w' }])
      await expect(setTarget(fleet, { kind: 'global' }, wrong)).rejects.toMatchObject({ code: 'config_invalid' });
  });
});

it('a file that is not what its manifest says leaves no release', async () => {
  await using opened = await openTestFleet(newest);
  const { fleet } = opened;
  const wrong = fileOf('linux-x86_64', randomBytes(300_000), shaOf(Buffer.from('another')));
  await expect(publish(fleet, '1.0.0', 'signed', wrong)).rejects.toMatchObject({ code: 'object_changed' });
  expect(await listReleases(fleet)).toEqual([]);
  expect(await objectInfo(fleet.connection, { store, name: '1.0.0-linux-x86_64' })).toMatchObject({ ok: false });
  await expect(readRelease(fleet, '1.0.0')).rejects.toMatchObject({ code: 'release_not_found' });
});

it.each(['..', 'a/b', '1 0', '', 'x'.repeat(200), '1.0.0\n'])(
  'version %j is refused before anything is stored',
  async (version) => {
    await using broker = await startNatsServer({ path: newest });
    await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
    const file = fileOf('linux-x86_64', randomBytes(10));
    await expect(publish(fleet, version, 'signed', file)).rejects.toMatchObject({ code: 'invalid_id' });
    await expect(readRelease(fleet, version)).rejects.toMatchObject({ code: 'invalid_id' });
    await expect(removeRelease(fleet, version)).rejects.toMatchObject({ code: 'invalid_id' });
  },
);

it('a platform that would be the name of a manifest is refused, and without set-up it is said what is missing', async () => {
  await using broker = await startNatsServer({ path: newest });
  await using fleet = await connectFleet({ servers: broker.url, name: 'test' });
  const file = fileOf('manifest', randomBytes(10));
  await expect(publish(fleet, '1.0.0', 'signed', file)).rejects.toMatchObject({ code: 'invalid_id' });
  const fine = fileOf('linux-x86_64', randomBytes(10));
  await expect(publish(fleet, '1.0.0', 'signed', fine)).rejects.toMatchObject({ code: 'no_topology' });
  expect(await listReleases(fleet)).toEqual([]);
});
