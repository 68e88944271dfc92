/** The operator's side of a rollout: what machines would refuse is refused before it is on the broker. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';
import { openSigner, type Signer } from './signed-release.ts';

const [newest] = (await natsServers()).slice(-1);

describe('releases of the agent', () => {
  let site: FleetSite;
  let signer: Signer;
  const platform = 'linux-x86_64';
  const made = { path: '', platform };
  beforeAll(async () => {
    site = await openFleetSite(newest?.path ?? '', []);
    signer = openSigner(site.dir);
    made.path = `${site.dir}/program`;
    writeFileSync(made.path, 'a program');
  });
  afterAll(() => site[Symbol.asyncDispose]());

  const agent = (...args: string[]) => site.fleet('agent', ...args);
  const publish = (file: string) => agent('publish', file, '--release-keys', signer.keysFile);
  const rollout = (...args: string[]) => agent('rollout', ...args, '--release-keys', signer.keysFile);

  it('are published, rolled out by scope and looked at', async () => {
    const file = signer.sign('1.4.0', made);
    expect(await rollout('1.4.0', '--global')).toMatchObject({ status: 1, error: { code: 'release_not_found' } });
    expect(await publish(file)).toMatchObject({
      ...{ status: 0, type: 'fleet.agent.publish', version: '1.4.0', before: 'nothing' },
      ...{ stored: [platform], already: [], absent: [] },
    });
    expect(await publish(file)).toMatchObject({ stored: [], already: [platform], before: 'the same' });
    const renewed = signer.sign('1.4.0', made);
    expect(await publish(renewed)).toMatchObject({ stored: [], before: 'another' });
    await site.fleet('freeze', 'set', '--for', '1h');
    const frozen = await rollout('1.4.0', '--pc', 'pc-2');
    expect(frozen).toMatchObject({ status: 1, error: { code: 'fleet_frozen', details: { state: 'frozen' } } });
    expect(await rollout('1.4.0', '--pc', 'pc-2', '--despite-freeze')).toMatchObject({ ok: true });
    await site.fleet('config', 'unset', 'target_version', '--pc', 'pc-2');
    await site.fleet('freeze', 'clear');
    expect(await rollout('1.4.0', '--group', 'lab', '--jitter', '1h')).toMatchObject({
      ...{ status: 0, type: 'fleet.agent.rollout', scope: 'groups.lab', version: '1.4.0', jitter: '1h' },
    });
    expect(await rollout('1.4.0', '--pc', 'pc-1')).toMatchObject({ scope: 'pcs.pc-1' });
    expect(await agent('current', '--listen', '1')).toMatchObject({
      ...{ type: 'fleet.agent.current', behind: 0, agents: [] },
      releases: [{ version: '1.4.0', platforms: [platform] }],
      wanted: [
        { scope: 'groups.lab', target_version: '1.4.0', target_version_jitter: '1h' },
        { scope: 'pcs.pc-1', target_version: '1.4.0' },
      ],
    });
    const taken = await site.fleet('config', 'unset', 'target_version', '--group', 'lab');
    expect(taken).toMatchObject({ removed: { target_version: '1.4.0' } });
    const { records } = await site.fleet('audit', '--limit', '20');
    expect((records as { action: string }[]).map(({ action }) => action)).toEqual(
      expect.arrayContaining(['agent.publish', 'agent.rollout']),
    );
  });

  it('are refused as machines would refuse them, and nothing is stored', async () => {
    const refusals = {
      release_unsigned: signer.sign('2.0.0', made, { by: 'stranger' }),
      release_expired: signer.sign('2.0.1', made, {
        ...{ released_at: '2020-01-01T00:00:00Z', expires_at: '2020-02-01T00:00:00Z' },
      }),
      release_mismatch: signer.sign('2.0.2', made),
      object_changed: signer.sign('2.0.3', made),
      file_unreadable: signer.sign('2.0.4', made),
      release_invalid: signer.sign('2.0.5', made),
      release_below_floor: signer.sign('2.0.7', made, { version_floor: '2.1.0' }),
      broker_too_old: signer.sign('2.0.6', made, { broker_min: '99.0.0' }),
    };
    const beside = (file: string): string => `${dirname(file)}/kanade-${platform}`;
    appendFileSync(beside(refusals.release_mismatch), 'more');
    writeFileSync(beside(refusals.object_changed), 'A program');
    rmSync(beside(refusals.file_unreadable));
    writeFileSync(refusals.release_invalid, readFileSync(refusals.release_invalid, 'utf8').slice(0, 200));
    for (const [code, file] of Object.entries(refusals))
      expect(await publish(file), code).toMatchObject({ status: 1, error: { code } });
    const other = { path: `${site.dir}/other`, platform };
    writeFileSync(other.path, 'another');
    expect(await publish(signer.sign('1.4.0', other))).toMatchObject({ error: { code: 'release_exists' } });
    const { releases } = await agent('current', '--listen', '1');
    expect(releases).toMatchObject([{ version: '1.4.0' }]);
  });

  it('that machines would refuse which know another one are told of, and what nobody wants any more goes', async () => {
    const anHourAgo = new Date(Date.now() - 3_600_000).toISOString();
    const refused_by = [{ after: '1.4.0', code: 'release_replayed', reason: expect.stringContaining('signed anew') }];
    expect(await publish(signer.sign('1.3.0', made, { released_at: anHourAgo }))).toMatchObject({
      ok: true,
      refused_by,
    });
    expect(await rollout('1.3.0', '--pc', 'pc-9')).toMatchObject({ ok: true, refused_by });
    const newer = await publish(signer.sign('1.3.1', made));
    expect(newer).toMatchObject({ ok: true });
    expect(newer).not.toHaveProperty('refused_by');
    const message = expect.stringContaining('pcs.pc-9');
    expect(await agent('remove', '1.3.0')).toMatchObject({ status: 1, error: { code: 'release_wanted', message } });
    await site.fleet('config', 'unset', 'target_version', '--pc', 'pc-9');
    expect(await agent('remove', '1.3.0')).toMatchObject({
      ...{ ok: true, type: 'fleet.agent.remove', version: '1.3.0', platforms: [platform] },
    });
    expect(await agent('remove', '1.3.0')).toMatchObject({ status: 1, error: { code: 'release_not_found' } });
    const { releases } = await agent('current', '--listen', '1');
    expect(releases).toMatchObject([{ version: '1.4.0' }, { version: '1.3.1' }]);
  });

  it('without keys, or for nobody in particular, nothing is done', async () => {
    const file = signer.sign('1.5.0', made);
    const none = ['--release-keys', `${site.dir}/none.json`];
    expect(await agent('publish', file, ...none)).toMatchObject({ status: 1, error: { code: 'keys_missing' } });
    for (const scope of [[], ['--global', '--pc', 'pc-1'], ['--group', 'a', '--pc', 'b']]) {
      const { status, stderr } = await site.begin({}, 'agent', 'rollout', '1.4.0', ...scope).ended;
      expect({ status, stderr }).toMatchObject({ status: 2, stderr: expect.stringContaining('--global') });
    }
  });
});
