/** What is made of a run behind its end, from the far end: an order of an operator, and what of it operators and people see. */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { eventually, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startAgent } from './agent.ts';
import { answer } from './program.ts';
import { openPlainPerson } from './trust/plain-person.ts';

const [newest] = (await natsServers()).slice(-1);

const script = (dir: string): string => `
cat <<'END'
#KANADE-CHECK-BEGIN
{"status":"warn","detail":"two logs"}
#KANADE-CHECK-END
#KANADE-COLLECT-BEGIN
{"files":["${dir}/*.log","/etc/../etc/shadow"]}
#KANADE-COLLECT-END
END
`;

const manifest = (id: string, text: string, blocks: object): string =>
  JSON.stringify({ id, version: '1', execute: { shell: 'sh', timeout: '1m', script: text }, ...blocks });

describe('behind a run', () => {
  it('its check is known at the machine, its files come to the operator, its events to the fleet', async () => {
    await using place = await tempDir();
    await using broker = await startNatsServer({ path: newest?.path ?? '' });
    const env = { KANADE_NATS_URL: broker.url };
    const fleet = (...args: string[]) => answer(['fleet', ...args], { env, cwd: place.path });
    await fleet('setup');
    const logs = `${place.path}/logs`;
    mkdirSync(logs);
    const long = 'line of a log\n'.repeat(50_000);
    writeFileSync(`${logs}/a.log`, long);
    writeFileSync(`${logs}/b.log`, 'b');
    const event = { at: '2026-01-02T03:04:05Z', kind: 'logon', source: 'test:far', payload: { n: 1 } };
    writeFileSync(
      `${place.path}/look.yaml`,
      manifest('look', script(logs), { check: { name: 'logs', label: 'Logs' }, collect: { name: 'logs' } }),
    );
    writeFileSync(
      `${place.path}/tell.yaml`,
      manifest('tell', `echo '${JSON.stringify(event)}'`, { emit: { type: 'events' } }),
    );
    expect(await fleet('job', 'put', 'look.yaml', 'tell.yaml')).toMatchObject({ ok: true });
    const begin = () => startAgent({ dataDir: `${place.path}/data`, args: ['--server', broker.url] });
    const agent = await begin();
    await eventually('pc-1 answers', async () => (await fleet('ping', 'pc-1')).ok === true);

    const told = await fleet('exec', 'tell', '--pc', 'pc-1', '--wait');
    expect(told).toMatchObject({ results: [{ exit_code: 0, stdout: '' }] });
    await eventually('the event', async () => {
      const { records } = (await fleet('events')) as { records?: { kind: string; payload: unknown }[] };
      return records?.some(({ kind, payload }) => kind === 'logon' && JSON.stringify(payload) === '{"n":1}');
    });

    const looked = await fleet('exec', 'look', '--pc', 'pc-1', '--wait');
    const [result] = looked.results as { collect_object: string; stderr: string }[];
    const key = result?.collect_object ?? '';
    expect(result?.stderr).toBe('[kanade] collect: /etc/../etc/shadow: .. is not followed\n');
    expect(await fleet('collect', 'list', '--pc', 'pc-1', '--job', 'look')).toMatchObject({
      bundles: [{ key, pc_id: 'pc-1', job_id: 'look' }],
    });
    expect(await fleet('collect', 'list', '--job', 'tell')).toMatchObject({ bundles: [] });
    expect(await fleet('collect', 'get', key, '-o', 'got.zip')).toMatchObject({ ok: true, key });
    const archive = readFileSync(`${place.path}/got.zip`);
    expect(statSync(`${place.path}/got.zip`).mode & 0o777).toBe(0o600);
    expect(firstFile(archive)).toEqual([`${logs.slice(1)}/a.log`, long]);
    expect(await fleet('collect', 'get', key, '-o', 'got.zip')).toMatchObject({ error: { code: 'file_exists' } });
    expect(await fleet('collect', 'get', key, '-o', 'got.zip', '--force')).toMatchObject({ ok: true });
    expect(await fleet('collect', 'get', 'pc-1/look/none.zip')).toMatchObject({ error: { code: 'bundle_not_found' } });
    expect(await fleet('collect', 'get', '../../x.zip')).toMatchObject({ error: { code: 'invalid_id' } });

    await agent[Symbol.asyncDispose]();
    const next = await begin();
    onTestFinished(() => next[Symbol.asyncDispose]());
    await using person = await openPlainPerson(next.socket);
    const snapshot = (await person.call('state.snapshot')) as { checks: unknown };
    expect(snapshot.checks).toEqual([{ name: 'logs', label: 'Logs', status: 'warn', detail: 'two logs' }]);
  });
});

/** The first file of an archive, by the header before it. */
function firstFile(archive: Buffer): [name: string, text: string] {
  const [packed, nameBytes] = [archive.readUInt32LE(18), archive.readUInt16LE(26)];
  const from = 30 + nameBytes;
  return [archive.toString('utf8', 30, from), inflateRawSync(archive.subarray(from, from + packed)).toString()];
}
