import { buckets } from '@kanade/shared/fleet';
import { natsServers } from '@kanade/testkit';
import { Kvm } from '@nats-io/kv';
import { describe, expect, it } from 'vitest';
import { type Fleet, listManifests, putManifest, readManifest, removeManifest } from '../src/index.ts';
import { jobYaml, openTestFleet } from './open-test-fleet.ts';

/** Every value that the catalogue's buckets hold now. */
async function stored(fleet: Fleet): Promise<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const name of [buckets.jobs, buckets.jobsYaml, buckets.scriptCurrent, buckets.scriptStatus]) {
    const bucket = await new Kvm(fleet.jetstream).open(name);
    for await (const key of await bucket.keys()) values[`${name}/${key}`] = (await bucket.get(key))?.string() ?? '';
  }
  return values;
}

describe.each(await natsServers())('catalogue on nats-server $version', ({ path }) => {
  it('putManifest stores manifest, source, version and status; listManifests and readManifest find it', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    expect(await putManifest(fleet, jobYaml('disk-report'))).toEqual({
      jobId: 'disk-report',
      version: '1.0.0',
      created: true,
      unserved: [],
    });
    const manifest = {
      id: 'disk-report',
      version: '1.0.0',
      execute: { shell: 'sh', timeout: '30s', script: 'echo disk-report' },
    };
    expect(await stored(fleet)).toEqual({
      'jobs/disk-report': JSON.stringify(manifest),
      'jobs_yaml/disk-report': jobYaml('disk-report'),
      'script_current/disk-report': '1.0.0',
      'script_status/disk-report': 'ACTIVE',
    });
    await putManifest(fleet, jobYaml('a.b'));
    expect((await listManifests(fleet)).map(({ jobId }) => jobId)).toEqual(['a.b', 'disk-report']);
    expect(await readManifest(fleet, 'disk-report')).toEqual(manifest);
  });

  it('putManifest replaces a job, and a revoked one stays revoked until it was removed', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    const status = await new Kvm(fleet.jetstream).open(buckets.scriptStatus);
    await status.put('a', 'REVOKED');
    expect(await putManifest(fleet, jobYaml('a', '2.0.0'))).toMatchObject({ version: '2.0.0', created: false });
    expect(await stored(fleet)).toMatchObject({ 'script_current/a': '2.0.0', 'script_status/a': 'REVOKED' });
    await removeManifest(fleet, 'a');
    expect(await stored(fleet)).toEqual({ 'script_status/a': 'REVOKED' });
    expect(await putManifest(fleet, jobYaml('a'))).toMatchObject({ created: true });
    expect(await stored(fleet)).toMatchObject({ 'script_status/a': 'ACTIVE' });
  });

  it.each([
    ['an unknown key', `${jobYaml('bad')}colour: red\n`, { line: 8, path: 'colour', message: 'unknown key' }],
    ['two scripts', `${jobYaml('bad')}  script_file: x.sh\n`, { line: 4, path: 'execute' }],
    ['no YAML', 'id: [bad\n', { path: '', message: expect.stringMatching(/^not valid YAML: /) }],
    [
      'a script file that nobody can read',
      jobYaml('bad').replace('script: echo bad', 'script_file: x.sh'),
      { line: 7 },
    ],
  ])('putManifest refuses %s with line and key, and stores nothing', async (_, source, fault) => {
    await using opened = await openTestFleet(path);
    await expect(putManifest(opened.fleet, source)).rejects.toMatchObject({
      code: 'manifest_invalid',
      faults: [expect.objectContaining(fault)],
    });
    expect(await stored(opened.fleet)).toEqual({});
  });

  it('putManifest takes a script file into the manifest and keeps the comments', async () => {
    await using opened = await openTestFleet(path);
    const asked: string[] = [];
    const readScriptFile = async (name: string): Promise<string> => {
      asked.push(name);
      return '#!/bin/sh\necho "a: b"\n';
    };
    const source = jobYaml('a').replace('script: echo a', 'script_file: a.sh # beside it');
    await putManifest(opened.fleet, source, { readScriptFile });
    expect(asked).toEqual(['a.sh']);
    expect((await readManifest(opened.fleet, 'a')).execute).toEqual({
      shell: 'sh',
      timeout: '30s',
      script: '#!/bin/sh\necho "a: b"\n',
    });
    expect((await stored(opened.fleet))['jobs_yaml/a']).toMatch(
      /^# what a is for\n[\s\S]*script: \|\n {4}#!\/bin\/sh\n/,
    );
    const failing = (): Promise<string> => Promise.reject(new Error('no such file'));
    await expect(putManifest(opened.fleet, source, { readScriptFile: failing })).rejects.toMatchObject({
      faults: [{ path: 'execute.script_file', line: 7, message: 'cannot be read: no such file' }],
    });
    const long = async (): Promise<string> => 'x'.repeat(600_000);
    await expect(putManifest(opened.fleet, source, { readScriptFile: long })).rejects.toMatchObject({
      faults: [{ path: 'execute.script_file', message: expect.stringContaining('kanade fleet script put') }],
    });
  });

  it('putManifest takes everything back when the last write fails', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    await putManifest(fleet, jobYaml('a'));
    const before = await stored(fleet);
    // Room for what is there, not for a long source as well as its manifest.
    const jsm = await fleet.jetstream.jetstreamManager();
    await jsm.streams.update('KV_jobs', { max_msg_size: 1000 });
    await expect(
      putManifest(fleet, `${jobYaml('a', '2.0.0')}description: ${'x'.repeat(2000)}\n`),
    ).rejects.toMatchObject({
      name: 'FleetError',
    });
    await expect(putManifest(fleet, `${jobYaml('b')}description: ${'x'.repeat(2000)}\n`)).rejects.toMatchObject({
      name: 'FleetError',
    });
    expect(await stored(fleet)).toEqual(before);
  });

  it('of two that put the same job at once, one wins as a whole', async () => {
    await using opened = await openTestFleet(path);
    const { fleet } = opened;
    const outcomes = await Promise.allSettled(
      ['1.0.0', '2.0.0', '3.0.0'].map((v) => putManifest(fleet, jobYaml('a', v))),
    );
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    const losers = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(winners.length).toBeGreaterThan(0);
    expect(losers.map(({ reason }) => reason.code)).toEqual(losers.map(() => 'job_changed'));
    const { version } = await readManifest(fleet, 'a');
    expect(await stored(fleet)).toMatchObject({ 'script_current/a': version, 'jobs_yaml/a': jobYaml('a', version) });
  });

  it('says job_not_found and invalid_id', async () => {
    await using opened = await openTestFleet(path);
    for (const call of [readManifest, removeManifest]) {
      await expect(call(opened.fleet, 'nobody')).rejects.toMatchObject({ code: 'job_not_found' });
      await expect(call(opened.fleet, '../a')).rejects.toMatchObject({ code: 'invalid_id' });
    }
  });

  it('listManifests lists what it cannot read with what is wrong, and readManifest refuses it', async () => {
    await using opened = await openTestFleet(path);
    const jobs = await new Kvm(opened.fleet.jetstream).open(buckets.jobs);
    await jobs.put('broken', '{');
    await jobs.put('strange', '{"id":"strange"}');
    const execute = { shell: 'sh', timeout: '5s', script: 'true' };
    await jobs.put('stray', JSON.stringify({ id: 'revoked', version: '1', execute }));
    const listed = await listManifests(opened.fleet);
    expect(listed.map(({ jobId, ok }) => [jobId, ok])).toEqual([
      ['broken', false],
      ['strange', false],
      ['stray', false],
    ]);
    for (const id of ['strange', 'stray'])
      await expect(readManifest(opened.fleet, id)).rejects.toMatchObject({ code: 'manifest_invalid' });
  });
});
