/** Scripts in the object store, from their putting to the order that names their hash. */
import { createHash } from 'node:crypto';
import { natsServers, newestNatsServer } from '@kanade/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { describe, expect, it } from 'vitest';
import { type Fleet, listScripts, putManifest, putScript, removeScript, sendOrder } from '../src/index.ts';
import { putObject } from '../src/objects.ts';
import { jobYaml, openTestFleet } from './open-test-fleet.ts';

const { path: newest } = await newestNatsServer();
const hexOf = (text: string): string => createHash('sha256').update(text).digest('hex');
const objectJob = (id: string, key: string): string =>
  jobYaml(id).replace(`script: echo ${id}`, `script_object: ${key}`);

function put(fleet: Fleet, text: string | Uint8Array, more: object = {}) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  return putScript(fleet, { name: 'report', version: '1.0', bytes, mayReplace: false, ...more });
}

async function command(fleet: Fleet): Promise<Record<string, unknown>> {
  const jsm = await jetstreamManager(fleet.connection);
  return (await jsm.streams.getMessage('EXEC', { last_by_subj: 'commands.all.job' }))?.json() ?? {};
}

describe.each(await natsServers())('scripts on nats-server $version', ({ path }) => {
  it('are stored, named by a job, ordered by their hash, listed and removed', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    expect(await put(fleet, 'echo one')).toMatchObject({
      key: 'report/1.0',
      sha256: hexOf('echo one'),
      size: 8,
      before: 'nothing',
      jobs: [],
    });
    expect(await put(fleet, 'echo one')).toMatchObject({ before: 'the same' });
    await putManifest(fleet, objectJob('job', 'report/1.0'));
    const order = () => sendOrder(fleet, { jobId: 'job', targets: [{ kind: 'all' }] });
    await order();
    expect(await command(fleet)).toMatchObject({
      script: '',
      script_object: 'report/1.0',
      script_object_sha256: hexOf('echo one'),
    });
    await expect(put(fleet, 'echo two')).rejects.toMatchObject({ code: 'script_exists' });
    expect(await put(fleet, 'echo two', { mayReplace: true })).toMatchObject({ before: 'another', jobs: ['job'] });
    await order();
    expect(await command(fleet)).toMatchObject({ script_object_sha256: hexOf('echo two') });
    expect(await listScripts(fleet)).toMatchObject([
      { key: 'report/1.0', name: 'report', version: '1.0', size: 8, sha256: hexOf('echo two'), jobs: ['job'] },
    ]);
    expect(await removeScript(fleet, 'report/1.0')).toEqual({ sha256: hexOf('echo two'), jobs: ['job'] });
    expect(await listScripts(fleet)).toEqual([]);
    await expect(order()).rejects.toMatchObject({ code: 'script_not_found' });
    await expect(removeScript(fleet, 'report/1.0')).rejects.toMatchObject({ code: 'script_not_found' });
    expect(await put(fleet, 'echo three')).toMatchObject({ before: 'nothing', jobs: ['job'] });
  });

  it('without a store it is said what makes one', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await (await jetstreamManager(fleet.connection)).streams.delete('OBJ_scripts');
    const missing = { code: 'no_topology', message: expect.stringContaining('kanade fleet setup') };
    await expect(put(fleet, 'echo')).rejects.toMatchObject(missing);
    await expect(listScripts(fleet)).rejects.toMatchObject(missing);
  });
});

describe('scripts', () => {
  it.each([
    ['no UTF-8', Buffer.from([0x65, 0xff]), {}, 'script_invalid'],
    ['blank', ' \n', {}, 'script_invalid'],
    ['one byte too long', Buffer.alloc(4 * 1_048_576 + 1, 'x'), {}, 'too_large'],
    ['called ..', 'echo', { name: '..' }, 'invalid_id'],
    ['of a version with a blank', 'echo', { version: '1 0' }, 'invalid_id'],
    ['called a/b', 'echo', { name: 'a/b' }, 'invalid_id'],
  ])('that are %s are not stored', async (_, text, more, code) => {
    await using opened = await openTestFleet(newest);
    await expect(put(opened.fleet, text, more)).rejects.toMatchObject({ code });
    expect(await listScripts(opened.fleet)).toEqual([]);
  });

  it('of 4 MiB are stored', async () => {
    await using opened = await openTestFleet(newest);
    expect(await put(opened.fleet, Buffer.alloc(4 * 1_048_576, 'x'))).toMatchObject({ size: 4 * 1_048_576 });
  });

  it('that others store at the same time under one name do not replace each other', async () => {
    await using opened = await openTestFleet(newest);
    const { fleet } = opened;
    const texts = ['echo 1', 'echo 2', 'echo 3', 'echo 4'];
    const ends = await Promise.allSettled(texts.map((text) => put(fleet, text)));
    expect(ends.filter(({ status }) => status === 'fulfilled').length).toBe(1);
    const codes = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
    for (const code of codes) expect(['script_exists', 'job_changed']).toContain(code);
  });

  it('a job that names one which is not stored is not put; one that is no script is not removed', async () => {
    await using opened = await openTestFleet(newest);
    const { fleet } = opened;
    await expect(putManifest(fleet, objectJob('job', 'report/1.0'))).rejects.toMatchObject({
      code: 'script_not_found',
      message: expect.stringContaining('kanade fleet script put report 1.0 FILE'),
    });
    await expect(putManifest(fleet, objectJob('job', '../report'))).rejects.toMatchObject({ code: 'manifest_invalid' });
    await expect(removeScript(fleet, '..')).rejects.toMatchObject({ code: 'invalid_id' });
    await putObject(fleet.connection, { store: 'scripts', name: 'of a stranger', source: Buffer.from('x') });
    expect(await listScripts(fleet)).toMatchObject([{ key: 'of a stranger', name: undefined, jobs: [] }]);
  });
});
