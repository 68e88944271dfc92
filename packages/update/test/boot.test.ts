/** A version that is no good is put back: by itself while it can count, else by the guard that stands before it. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, tempDir } from '@kanade/testkit';
import {
  acquit,
  beginStart,
  giveUp,
  markHealthy,
  markWorking,
  restartExitCode,
  rollbackTold,
} from '@kanade/update/boot';
import { describe, expect, it } from 'vitest';
import { install, partsOf } from './place.ts';

async function updated(root: string) {
  const place = install(root);
  const updates = place.open();
  const release = place.release();
  await updates.install(updates.accept(release.envelope), { bytes: partsOf(release.bytes) });
  return { ...place, updates, release, begin: (version: string) => beginStart({ ...place.start, version }) };
}

const guard = (dir: string, program: string) => {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    [join(import.meta.dirname, '../guard/boot-guard.sh'), program, dir],
    { encoding: 'utf8' },
  );
  return { status, said: stdout + stderr };
};
const silent = { status: 0, said: '' };

describe('beginStart()', () => {
  it('makes nothing and says nothing where nothing was ever updated', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    expect(beginStart({ ...place.start, version: '1.0.0' })).toEqual({ kind: 'run', quarantined: [] });
    expect(existsSync(place.dir)).toBe(false);
  });

  it('counts while a version is on trial, until it is healthy; then the old one is gone', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    for (const start of [1, 2, 3])
      expect(place.begin('1.2.0')).toMatchObject({ kind: 'run', trial: { from: '1.0.0', start } });
    expect(place.updates.standing().trial).toMatchObject({ version: '1.2.0', starts: 3 });
    expect(markHealthy({ ...place.start, version: '1.2.0' })).toBe(true);
    expect(markHealthy({ ...place.start, version: '1.2.0' })).toBe(false);
    for (let start = 0; start < 9; start++) expect(place.begin('1.2.0')).toEqual({ kind: 'run', quarantined: [] });
    expect([place.version(), place.beside(), place.state()]).toEqual(['1.2.0', ['app'], ['accepted.json']]);
  });

  it('puts the old version back at the start that is one too many, and never takes the new one again by itself', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    for (let start = 0; start < 3; start++) place.begin('1.2.0');
    expect(place.begin('1.2.0')).toEqual({ kind: 'restart', quarantined: ['1.2.0'] });
    expect(restartExitCode).toBe(64);
    expect([place.version(), place.beside()]).toEqual(['1.0.0', ['app']]);
    const rolledBack = { from: '1.0.0', version: '1.2.0', reason: 'unhealthy' };
    for (let start = 0; start < 2; start++)
      expect(place.begin('1.0.0')).toEqual({ kind: 'run', quarantined: [], rolledBack });
    rollbackTold(place.start);
    expect(place.begin('1.0.0')).toEqual({ kind: 'run', quarantined: [] });
    expect(place.updates.standing()).toMatchObject({ quarantined: [{ version: '1.2.0', reason: 'unhealthy' }] });
    const { envelope, bytes } = place.release;
    const install = (again: boolean) =>
      place.updates.install(place.updates.accept(envelope), { bytes: partsOf(bytes), again });
    await expect(install(false)).rejects.toMatchObject({ code: 'quarantined' });
    await install(true);
    expect([place.version(), place.updates.standing().quarantined]).toEqual(['1.2.0', []]);
  });

  it('puts the old version back when the new one gives up, and takes it again when it was not to blame', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    const running = { ...place.start, version: '1.2.0' };
    place.begin('1.2.0');
    expect(giveUp({ ...running, version: '1.0.0' })).toBe(false); // it is not on trial
    expect(giveUp(running)).toBe(true);
    expect([place.version(), place.beside()]).toEqual(['1.0.0', ['app']]);
    const rolledBack = { from: '1.0.0', version: '1.2.0', reason: 'unreachable' };
    expect(place.begin('1.0.0')).toEqual({ kind: 'run', quarantined: [], rolledBack });
    const { envelope, bytes } = place.release;
    const install = () => place.updates.install(place.updates.accept(envelope), { bytes: partsOf(bytes) });
    await expect(install()).rejects.toMatchObject({ code: 'quarantined' });
    acquit(place.start);
    expect(place.begin('1.0.0')).toEqual({ kind: 'run', quarantined: [] });
    await install();
    expect([place.version(), place.updates.standing().quarantined]).toEqual(['1.2.0', []]);
    rmSync(`${place.program}.old`);
    place.begin('1.2.0');
    expect([giveUp(running), place.version(), place.updates.standing().quarantined]).toEqual([false, '1.2.0', []]);
  });

  it('does the rest where a version was killed while it gave up', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    const { sha256 } = JSON.parse(readFileSync(join(place.dir, 'trial.json'), 'utf8'));
    const versions = [{ version: '1.2.0', sha256, reason: 'unreachable', at: '2026-11-10T00:00:00Z' }];
    writeFileSync(join(place.dir, 'quarantine.json'), JSON.stringify({ versions }));
    expect(place.begin('1.2.0')).toEqual({ kind: 'restart', quarantined: [] });
    expect(place.begin('1.0.0')).toMatchObject({ kind: 'run', rolledBack: { reason: 'unreachable' } });
  });

  it('counts anew from a start that works, however often the machine goes down while it proves itself', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    for (let start = 0; start < 9; start++) {
      guard(place.dir, place.program);
      expect(place.begin('1.2.0')).toMatchObject({ kind: 'run', trial: { start: start === 0 ? 1 : 2 } });
      markWorking({ ...place.start, version: '1.2.0' });
    }
    expect(place.version()).toBe('1.2.0');
  });

  it('goes on where there is no old version any more', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    rmSync(`${place.program}.old`);
    for (let start = 0; start < 3; start++) place.begin('1.2.0');
    expect(place.begin('1.2.0')).toMatchObject({ kind: 'run', quarantined: ['1.2.0'], fault: expect.any(Error) });
    expect(place.begin('1.2.0')).toEqual({ kind: 'run', quarantined: [] });
    expect(place.version()).toBe('1.2.0');
  });

  it('ends a trial of another version, as somebody else has installed a third one', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    expect(place.begin('1.1.1')).toEqual({ kind: 'run', quarantined: [] });
    expect([place.beside(), place.state()]).toEqual([['app'], ['accepted.json']]);
  });

  it('leaves alone what an update that is under way has beside the program', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    const updates = place.open();
    const { envelope, bytes } = place.release();
    const gate = Promise.withResolvers<void>();
    async function* held() {
      yield bytes.subarray(0, 5);
      await gate.promise;
      yield bytes.subarray(5);
    }
    const installed = updates.install(updates.accept(envelope), { bytes: held() });
    await eventually('some of it is there', () => existsSync(`${place.program}.new`));
    beginStart({ ...place.start, version: '1.0.0' });
    gate.resolve();
    await installed;
    expect(place.version()).toBe('1.2.0');
  });

  it.each(['trial.json', 'failed.json', 'quarantine.json'])('runs with a damaged %s, and says so', async (name) => {
    await using root = await tempDir();
    const place = await updated(root.path);
    for (let start = 0; start < 3; start++) place.begin('1.2.0');
    writeFileSync(join(place.dir, name), '{"versions":');
    expect(place.begin('1.2.0')).toMatchObject({ kind: 'run', fault: { code: 'state_invalid' } });
  });
});

describe('boot-guard.sh', () => {
  it('does nothing and says nothing where nothing is on trial', async () => {
    await using root = await tempDir();
    const place = install(root.path);
    expect(guard(place.dir, place.program)).toEqual(silent);
    expect(existsSync(place.dir)).toBe(false);
  });

  it('puts a version back that never came as far as counting, and the old one learns of it', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    // Told its version where it was tried, and does not start where it stands.
    writeFileSync(place.program, 'broken since');
    for (let start = 0; start < 5; start++) expect(guard(place.dir, place.program)).toEqual(silent);
    expect(readFileSync(place.program, 'utf8')).toBe('broken since');
    expect(guard(place.dir, place.program)).toEqual(silent);
    expect([place.version(), place.beside()]).toEqual(['1.0.0', ['app']]);
    const rolledBack = { from: '1.0.0', version: '1.2.0', reason: 'unstartable' };
    expect(place.begin('1.0.0')).toEqual({ kind: 'run', quarantined: ['1.2.0'], rolledBack });
    expect(place.begin('1.0.0')).toEqual({ kind: 'run', quarantined: [], rolledBack });
    expect(place.updates.standing()).toMatchObject({ quarantined: [{ version: '1.2.0', reason: 'unstartable' }] });
    rollbackTold(place.start);
    expect(place.state()).toEqual(['accepted.json', 'quarantine.json']);
  });

  it('finds the trial wherever it is counted', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    writeFileSync(place.program, 'broken since');
    const another = join(root.path, 'what the unit says');
    for (let start = 0; start < 6; start++) expect(guard(another, place.program)).toEqual(silent);
    expect([place.version(), place.beside(), existsSync(another)]).toEqual(['1.0.0', ['app'], false]);
    expect(place.begin('1.0.0')).toMatchObject({ kind: 'run', quarantined: ['1.2.0'] });
  });

  it('counts where the unit says when the version before it made no link', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    rmSync(`${place.program}.trial`);
    writeFileSync(place.program, 'broken since');
    for (let start = 0; start < 6; start++) expect(guard(place.dir, place.program)).toEqual(silent);
    expect(place.version()).toBe('1.0.0');
  });

  it('is not quicker than a version that can count', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    const verdicts = Array.from({ length: 4 }, () => {
      guard(place.dir, place.program);
      return place.begin('1.2.0').kind;
    });
    expect(verdicts).toEqual(['run', 'run', 'run', 'restart']);
    expect(place.updates.standing()).toMatchObject({ quarantined: [{ reason: 'unhealthy' }] });
  });

  it('may be killed after each of its steps', async () => {
    await using root = await tempDir();
    const place = await updated(root.path);
    // What is there after the first step: the new version, which can count after all, finds it and does the rest.
    writeFileSync(join(place.dir, 'failed.json'), readFileSync(join(place.dir, 'trial.json')));
    expect(place.begin('1.2.0')).toEqual({ kind: 'restart', quarantined: ['1.2.0'] });
    expect([place.version(), place.begin('1.0.0'), place.beside()]).toEqual([
      '1.0.0',
      { kind: 'run', quarantined: [], rolledBack: { from: '1.0.0', version: '1.2.0', reason: 'unstartable' } },
      ['app'],
    ]);
  });
});
