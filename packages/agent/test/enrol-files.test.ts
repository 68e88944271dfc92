/** What an enrolment writes down: the old one whole or the new one whole, whenever it is killed. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readBrokerAccess } from '@kanade/fleet/connection';
import { tempDir } from '@kanade/testkit';
import { nkeys } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import { type EnrolledFiles, enrolledCreds, install, keepPending, readPending } from '../src/enrol/places.ts';

const seed = new TextDecoder().decode(nkeys.createUser().getSeed());

/** A signed user that nobody lets in. */
const credsOf = (name: string): string => {
  const payload = Buffer.from(JSON.stringify({ name, sub: `U${'A'.repeat(55)}`, nats: { tags: ['kanade:enrolled'] } }));
  const jwt = `eyJ0eXAiOiJKV1QifQ.${payload.toString('base64url')}.c2ln`;
  return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
};

const filesOf = (name: string): EnrolledFiles => ({
  servers: [`tls://${name}.example:4222`],
  tlsFirst: false,
  creds: credsOf(name),
  ca: `-----BEGIN CERTIFICATE-----\n${name}\n`,
  keyring: `{"kind":"kanade.keyring.v1","keys":[],"label":"${name}"}`,
});

/** Whose enrolment a connection file is, with everything that it names; undefined without one. Throws for half of one. */
function whole(connection: string): string | undefined {
  if (!fs.existsSync(connection)) return undefined;
  const around = { role: 'agent', env: {}, file: connection, isRoot: false, home: '/', cwd: '/' } as const;
  const { servers, enrolledAs, commandKeys, toOptions } = readBrokerAccess(around);
  const name = enrolledAs ?? 'none';
  expect(servers).toEqual([`tls://${name}.example:4222`]);
  expect(toOptions().tls).toMatchObject({ ca: filesOf(name).ca });
  expect(commandKeys && fs.readFileSync(commandKeys, 'utf8')).toBe(filesOf(name).keyring);
  return name;
}

const calls = [
  'mkdirSync',
  'openSync',
  'writeFileSync',
  'fchmodSync',
  'fsyncSync',
  'renameSync',
  'rmSync',
  'unlinkSync',
] as const;

/** Does it and dies at the call of the system with that number; false when there were fewer. */
function killedAt(number: number, work: () => void): boolean {
  const before = Object.fromEntries(calls.map((call) => [call, fs[call]]));
  let count = 0;
  for (const call of calls)
    Object.assign(fs, {
      [call]: (...args: unknown[]) => {
        if (count++ >= number) throw new Error('killed');
        return (before[call] as (...all: unknown[]) => unknown)(...args);
      },
    });
  syncBuiltinESMExports();
  try {
    work();
    return false;
  } catch (error) {
    if ((error as Error).message !== 'killed') throw error;
    return true;
  } finally {
    Object.assign(fs, before);
    syncBuiltinESMExports();
  }
}

const modeOf = (path: string): string => (fs.statSync(path).mode & 0o777).toString(8);

describe('install()', () => {
  it.each([
    ['the first one', []],
    ['one in the place of another', ['old']],
  ] as const)('%s is there whole or not at all, whenever it is killed', async (_what, earlier) => {
    let number = 0;
    for (let goesOn = true; goesOn; number++) {
      await using dir = await tempDir();
      const connection = join(dir.path, 'kanade/agent.yaml');
      fs.mkdirSync(dirname(connection));
      for (const name of earlier) install(connection, filesOf(name));
      const [old] = earlier;
      goesOn = killedAt(number, () => install(connection, filesOf('new')));
      expect([old, 'new']).toContain(whole(connection));
      if (!goesOn) expect(whole(connection)).toBe('new');
      install(connection, filesOf('new'));
      expect(whole(connection)).toBe('new');
      // Nothing of the others is left, but what a death left half made of the file itself.
      const left = fs.readdirSync(dirname(connection)).filter((name) => !name.startsWith('.'));
      expect(left).toEqual(['agent.yaml', expect.stringMatching(/^enrolled-/)]);
    }
    expect(number).toBeGreaterThan(15);
  });

  it('secrets are for their owner alone, also under a mask that is none', async () => {
    await using dir = await tempDir();
    const mask = process.umask(0);
    try {
      const connection = join(dir.path, 'agent.yaml');
      keepPending(connection, { pc: 'pc-1', account: 'A', seed: 'S' });
      expect(modeOf(join(dir.path, 'enrolling.json'))).toBe('600');
      const { creds, keyring = '' } = install(connection, filesOf('new'));
      expect([creds, connection, keyring].map(modeOf)).toEqual(['600', '600', '644']);
      expect(readPending(connection)).toBeUndefined();
    } finally {
      process.umask(mask);
    }
  });

  it('keeps a connection file that was written by hand, and knows its own', async () => {
    await using dir = await tempDir();
    const connection = join(dir.path, 'agent.yaml');
    fs.writeFileSync(connection, 'servers: [nats://old.example]\ntoken: secret\n', { mode: 0o644 });
    expect(enrolledCreds(connection)).toBeUndefined();
    const { kept = '' } = install(connection, filesOf('new'));
    expect([fs.readFileSync(kept, 'utf8'), modeOf(kept)]).toEqual([
      'servers: [nats://old.example]\ntoken: secret\n',
      '600',
    ]);
    expect(enrolledCreds(connection)).toBe(credsOf('new'));
    expect(install(connection, filesOf('new')).kept).toBeUndefined();
    fs.chmodSync(
      resolve(dir.path, fs.readdirSync(dir.path).find((name) => name.startsWith('enrolled-')) ?? '', 'machine.creds'),
      0o644,
    );
    expect(enrolledCreds(connection)).toBeUndefined();
  });

  it('half of a pending key is none', async () => {
    await using dir = await tempDir();
    const connection = join(dir.path, 'agent.yaml');
    expect(readPending(connection)).toBeUndefined();
    keepPending(connection, { pc: 'pc-1', account: 'A', seed: 'S' });
    expect(readPending(connection)).toEqual({ pc: 'pc-1', account: 'A', seed: 'S' });
    fs.truncateSync(join(dir.path, 'enrolling.json'), 10);
    expect(readPending(connection)).toBeUndefined();
  });
});
