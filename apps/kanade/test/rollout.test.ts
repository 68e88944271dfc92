/** A rollout from one end to the other, with real executables of several versions: what docs/guide/rollout.md says. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { eventually, natsServers } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FleetSite, openFleetSite } from './fleet-site.ts';
import { type Installed, installAgent } from './installed.ts';
import { openSigner, type Signer } from './signed-release.ts';

const [newest] = (await natsServers()).slice(-1);
const platform = process.arch === 'arm64' ? 'linux-aarch64' : 'linux-x86_64';
const [first, second, third] = ['9.0.0', '9.0.1', '9.0.2'] as const;

interface Beat {
  readonly agent_version: string;
  readonly target_version?: string;
  readonly quarantined_versions?: readonly string[];
  readonly update?: { readonly state: string; readonly version?: string; readonly code?: string };
}

describe('a rollout', () => {
  const parts = new AsyncDisposableStack();
  let site: FleetSite;
  let signer: Signer;
  let agent: Installed;
  /** Versions whose every start is ended before it has proved itself, as one that crashes does. */
  const doomed = new Set<string>();
  /** What every start but those of this version is told of the broker; that one cannot reach it. */
  let deaf: string | undefined;
  const executables: Record<string, string> = {};

  beforeAll(async () => {
    site = parts.use(await openFleetSite(newest?.path ?? '', []));
    signer = openSigner(site.dir);
    await site.fleet('config', 'set', 'heartbeat_interval', '1s');
    for (const version of [first, second, third]) executables[version] = `${site.dir}/kanade-${version}`;
    const build: { compileVersions(files: object): Promise<void> } = await import(
      /* @vite-ignore */ new URL('../build/executable.mjs', import.meta.url).href
    );
    await build.compileVersions(executables);
    agent = parts.use(
      installAgent({
        ...{ dir: `${site.dir}/opt`, executable: executables[first] ?? '', keysFile: signer.keysFile },
        broker: () => (deaf !== undefined && runs() === deaf ? 'nats://127.0.0.1:9' : site.broker.url),
        // However slow this machine is: who is doomed does not prove itself before it is ended, and who is not deaf is heard in time.
        trialSecs: () => (doomed.size > 0 ? 3600 : deaf === undefined ? 3 : runs() === deaf ? 1 : 30),
        onLine(line, child) {
          const isDoomed = [...doomed].some((version) => line.includes(`"version":"${version}"`));
          if (isDoomed && line.includes('"the agent is ready"')) child.kill('SIGKILL');
        },
      }),
    );
    await eventually('the agent to answer', async () => (await beat())?.agent_version === first);
  });
  afterAll(() => parts.disposeAsync());

  /** The version that stands at the path. */
  const runs = (): string => spawnSync(agent.program, ['--version'], { encoding: 'utf8' }).stdout.split(/\s+/)[1] ?? '';
  const rollbacks = (version: string, code: string) =>
    eventually('the roll-back to be told', async () => {
      const { records } = await site.fleet('events', '--kind', 'agent_update');
      const told = (records as { payload: { outcome: string; version: string; code: string } }[]).filter(
        ({ payload }) => payload.outcome === 'rolled_back' && payload.version === version && payload.code === code,
      );
      return told.length > 0 ? told : undefined;
    });
  const beat = async (): Promise<Beat | undefined> => {
    const told = await site.fleet('ping', 'pc-1');
    return told.agent as Beat | undefined;
  };
  const until = (what: string, fits: (told: Beat) => boolean) =>
    eventually(what, async () => {
      const told = await beat();
      return told && fits(told) ? told : undefined;
    });
  const publish = async (version: string, said: Parameters<Signer['sign']>[2] = {}) => {
    const file = signer.sign(version, { path: executables[version] ?? '', platform }, said);
    return site.fleet('agent', 'publish', file, '--release-keys', signer.keysFile);
  };
  const rollout = (version: string, ...more: string[]) =>
    site.fleet('agent', 'rollout', version, '--pc', 'pc-1', ...more, '--release-keys', signer.keysFile);

  it('replaces the agent while a job runs, and the ending of the job arrives', async () => {
    const job = await site.putGated('long');
    const { exec_id } = await site.fleet('exec', 'long', '--pc', 'pc-1');
    await eventually('the job to run', () => job.begun() === 1);
    expect(await publish(second)).toMatchObject({ stored: [platform] });
    expect(await rollout(second, '--jitter', '0s')).toMatchObject({ scope: 'pcs.pc-1', version: second });
    const told = await until('the next version to answer', ({ agent_version }) => agent_version === second);
    expect(told).toMatchObject({ target_version: second, update: { state: 'current' } });
    expect(agent.ends).toEqual([64]);
    job.open();
    const { results } = await site.fleet('wait', String(exec_id));
    expect(results).toMatchObject([{ pc_id: 'pc-1', exit_code: 0 }]);
    expect(job.begun()).toBe(1);
    await eventually('the version to prove itself', () => !existsSync(`${agent.program}.old`));
  });

  it('of a version that does not become healthy is rolled back, reported, and not tried again', async () => {
    doomed.add(third);
    await publish(third);
    const before = agent.ends.length;
    await rollout(third, '--jitter', '0s');
    const told = await until(
      'the quarantine to be told',
      ({ quarantined_versions }) => quarantined_versions !== undefined,
    );
    expect(told).toMatchObject({
      ...{ agent_version: second, target_version: third, quarantined_versions: [third] },
      update: { state: 'quarantined', version: third },
    });
    // Exchanged, three starts that were cut short, and the fourth that puts the old one back.
    expect(agent.ends.slice(before)).toEqual([64, null, null, null, 64]);
    expect(await rollbacks(third, 'unhealthy')).toMatchObject([{ pc_id: 'pc-1', payload: { from: second } }]);
    await eventually('it is among those that are behind', async () => {
      const { behind, agents } = await site.fleet('agent', 'current', '--listen', '2');
      return behind === 1 && (agents as { standing: string }[])[0]?.standing === 'stuck';
    });
    await site.fleet('config', 'unset', 'target_version', '--pc', 'pc-1');
    await until('nothing to be wanted', ({ target_version }) => target_version === '');
    await rollout(third);
    await until('it to be wanted again', ({ target_version }) => target_version === third);
    expect((await beat())?.update?.state).toBe('quarantined');
    expect(agent.ends.slice(before)).toHaveLength(5);
  });

  it('of what others have put into the store is refused by the machine', async () => {
    const program = `${site.dir}/a-program`;
    writeFileSync(program, 'whatever');
    const stranger = signer.sign('9.0.3', { path: program, platform }, { by: 'stranger' });
    // Whoever holds the store: his key in the place of the operator's, then the same release.
    const ring = `${dirname(stranger)}/ring.json`;
    copyFileSync(signer.keysFile, ring);
    writeFileSync(
      ring,
      readFileSync(ring, 'utf8')
        .replace(signer.publicKey('release'), signer.publicKey('stranger'))
        .replace('"release"', '"stranger"'),
    );
    expect(await site.fleet('agent', 'publish', stranger, '--release-keys', ring)).toMatchObject({ ok: true });
    await site.fleet('agent', 'rollout', '9.0.3', '--pc', 'pc-1', '--jitter', '0s', '--release-keys', ring);
    const told = await until('the refusal', ({ update }) => update?.state === 'refused');
    expect(told).toMatchObject({ agent_version: second, update: { version: '9.0.3', code: 'release_unsigned' } });
    expect(existsSync(`${agent.program}.new`)).toBe(false);
  });

  it('of a version that works and does not reach its broker is rolled back', async () => {
    doomed.clear();
    deaf = third;
    const file = signer.sign(third, { path: executables[third] ?? '', platform });
    const words = ['--file', file, '--again', '--data-dir', `${site.dir}/opt/data`, '--release-keys', signer.keysFile];
    const { stdout } = spawnSync(agent.program, ['self-update', ...words], { encoding: 'utf8' });
    expect(JSON.parse(stdout)).toMatchObject({ ok: true });
    const before = agent.ends.length;
    agent.end();
    // It was ended, and the one that works and is not heard has put it back by itself.
    await eventually('it is put back', () => agent.ends.length === before + 2);
    expect([agent.ends.slice(before), runs()]).toEqual([[0, 64], second]);
    expect(await rollbacks(third, 'unreachable')).toMatchObject([{ pc_id: 'pc-1', payload: { from: second } }]);
  });
});
