import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { createAuthority, type IssueOptions, natsServers, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { type AccessRequest, openConnection, readBrokerAccess } from '../src/connection.ts';
import { createKey, createSignedUsers } from './signed-user.ts';

const secret = 's3cret-words';

/** A home with files in it, and what a program in it would ask. */
async function openHome() {
  const dir = await tempDir();
  mkdirSync(`${dir.path}/.config/kanade`, { recursive: true });
  const file = (name: string, text: string, mode = 0o600): string => {
    const path = `${dir.path}/${name}`;
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  };
  const read = (env: Record<string, string>, more: Partial<AccessRequest> = {}) =>
    readBrokerAccess({ role: 'agent', env, isRoot: false, home: dir.path, cwd: dir.path, ...more });
  return { path: dir.path, file, read, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}

describe('readBrokerAccess()', () => {
  it('reads the file of the role, with paths relative to it, and lets the environment and arguments go first', async () => {
    await using home = await openHome();
    const text = `servers: [tls://a:1, "nats://b"]\nuser: pc-1\npassword: ${secret}\ntls: { ca: ../ca.pem }\n`;
    home.file('.config/kanade/agent.yaml', text);
    const { toOptions, ...shown } = home.read({});
    expect(shown).toEqual({
      servers: ['tls://a:1', 'nats://b:4222'],
      identity: 'user "pc-1"',
      inboxPrefix: '_INBOX.pc-1',
    });
    expect(toOptions).toThrow(`${home.path}/.config/ca.pem: there is no such file`);
    home.file('.config/ca.pem', 'PEM', 0o644);
    expect(toOptions()).toMatchObject({ tls: { ca: 'PEM' } });
    expect(home.read({ KANADE_NATS_URL: 'c', KANADE_NATS_TOKEN: secret })).toMatchObject({
      servers: ['nats://c:4222'],
      identity: 'a token',
      inboxPrefix: '_INBOX',
    });
    expect(home.read({ KANADE_NATS_URL: 'c' }, { servers: ['d'] })).toMatchObject({ servers: ['nats://d:4222'] });
    expect(home.read({}, { role: 'operator', serverDefault: 'nats://z' })).toMatchObject({
      servers: ['nats://z:4222'],
    });
    expect(home.read({ KANADE_NATS_CONFIG: '.config/kanade/agent.yaml' }, { role: 'operator' })).toMatchObject(shown);
  });

  it('takes credentials out of an address, and no value of it holds them', async () => {
    await using home = await openHome();
    const access = home.read({ KANADE_NATS_URL: `nats://me:${secret}@a:1,nats://b:2` });
    expect(access).toMatchObject({ servers: ['nats://a:1', 'nats://b:2'], identity: 'user "me"' });
    expect(
      inspect([access, access.toOptions()], { depth: 9, showHidden: true }) + JSON.stringify(access),
    ).not.toContain(secret);
  });

  const seed = createKey().seed;
  it.each<[string, string, Record<string, string>, RegExp]>([
    ['a token and a user', `token: ${secret}\nuser: a\n`, {}, /a token and a user; keep one/],
    ['two users in addresses', '', { KANADE_NATS_URL: `nats://a:${secret}@h,nats://b:${secret}@h` }, /keep one/],
    [
      'a token beside that of an address',
      '',
      { KANADE_NATS_URL: `nats://${secret}@h`, KANADE_NATS_TOKEN: 'x' },
      /keep one/,
    ],
    ['a password without a user', `password: ${secret}\n`, {}, /no user that it belongs to/],
    ['an unknown key', `token: ${secret}\npasword: ${secret}\n`, {}, /unknown key pasword; known are/],
    ['a secret as a key', `${secret}: 1\n`, {}, /unknown key;/],
    ['a number', 'password: 1234567\n', {}, /password must be a text, in quotes/],
    ['no YAML', `token: "${secret}\n`, {}, /line \d+ is no YAML/],
    ['an alias', `token: &a ${secret}\nuser: *a\n`, {}, /no aliases/],
    ['a list', `- ${secret}\n`, {}, /keys and values/],
    ['servers that are no list', `servers: { a: ${secret} }\n`, {}, /list of addresses/],
    ['no seed', '', { KANADE_NATS_NKEY: 'other' }, /seed of a user/],
    ['a seed where a signed user belongs', '', { KANADE_NATS_CREDS: 'seed' }, /nsc generate creds/],
    ['a certificate without its key', '', { KANADE_NATS_CERT: 'seed' }, /needs its key/],
    ['an inbox that is no subject', 'inbox_prefix: "a.>"\n', {}, /cannot begin a subject/],
  ])('refuses %s, with a reason and no secret', async (_, text, env, message) => {
    await using home = await openHome();
    home.file('.config/kanade/agent.yaml', text);
    home.file('seed', seed);
    home.file('other', `SU${secret}`);
    const read = (): unknown => home.read(env);
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'connection_invalid' }));
    expect(read).not.toThrow(new RegExp(`${secret}|${seed}|1234567`));
  });

  it('uses no secret that others may read or write, and none of another user', async () => {
    await using home = await openHome();
    const path = home.file('.config/kanade/agent.yaml', `token: ${secret}\n`);
    for (const mode of [0o640, 0o604, 0o644, 0o620]) {
      chmodSync(path, mode);
      const failure = { code: 'secret_exposed', message: expect.stringContaining(mode.toString(8)) };
      expect(() => home.read({})).toThrow(expect.objectContaining(failure));
    }
    chmodSync(path, 0o400);
    expect(home.read({})).toMatchObject({ identity: 'a token' });
    chmodSync(path, 0o600);
    if (process.getuid?.() === 0) {
      chownSync(path, 12_345, 0);
      expect(() => home.read({})).toThrow(expect.objectContaining({ code: 'secret_exposed' }));
    }
    const open = home.file('.config/kanade/operator.yaml', 'servers: a\n', 0o644);
    expect(home.read({}, { role: 'operator' })).toMatchObject({ servers: ['nats://a:4222'] });
    chmodSync(open, 0o666);
    expect(() => home.read({}, { role: 'operator' })).toThrow(expect.objectContaining({ code: 'secret_exposed' }));
  });

  it('asks the file that a link leads to, and reads no directory, nothing endless and nothing huge', async () => {
    await using home = await openHome();
    home.file('seed', seed, 0o644);
    symlinkSync(`${home.path}/seed`, `${home.path}/link`);
    mkdirSync(`${home.path}/directory`);
    home.file('huge', seed.padEnd(2 * 1024 * 1024));
    const codeOf = (path: string) => expect(() => home.read({ KANADE_NATS_NKEY: path }));
    codeOf('link').toThrow(expect.objectContaining({ code: 'secret_exposed' }));
    for (const path of ['directory', 'huge', '/dev/zero', 'absent']) {
      codeOf(path).toThrow(expect.objectContaining({ code: 'secret_unreadable' }));
    }
  });
});

const dial = { name: 'test', pauseMs: () => 10 };
type Home = Awaited<ReturnType<typeof openHome>>;

/** Whether the broker takes us, or the code of why not; no message may hold what is secret. */
async function outcome(home: Home, env: Record<string, string>, timeoutMs?: number): Promise<string> {
  try {
    const connection = await openConnection(home.read(env), { ...dial, timeoutMs });
    await connection.close();
    return 'connected';
  } catch (error) {
    expect(String((error as Error).message)).not.toContain(secret);
    return (error as { code: string }).code;
  }
}

describe.each(await natsServers())('openConnection on nats-server $version', ({ path }) => {
  it('presents user, NKey and token, each from the environment', async () => {
    await using home = await openHome();
    const [known, stranger] = [createKey(), createKey()];
    await using broker = await startNatsServer({
      path,
      lines: [`authorization { users: [ { user: "me", password: "${secret}" }, { nkey: ${known.user} } ] }`],
    });
    await using tokens = await startNatsServer({ path, token: secret });
    const KANADE_NATS_URL = broker.url;
    home.file('known', `# comment\n${known.seed}\n`);
    home.file('stranger', stranger.seed);
    const [user, token] = [{ KANADE_NATS_URL, KANADE_NATS_USER: 'me' }, { KANADE_NATS_URL: tokens.url }];
    expect({
      user: await outcome(home, { ...user, KANADE_NATS_PASSWORD: secret }),
      inAddress: await outcome(home, { KANADE_NATS_URL: broker.url.replace('//', `//me:${secret}@`) }),
      wrong: await outcome(home, { ...user, KANADE_NATS_PASSWORD: 'wrong' }),
      key: await outcome(home, { KANADE_NATS_URL, KANADE_NATS_NKEY: 'known' }),
      otherKey: await outcome(home, { KANADE_NATS_URL, KANADE_NATS_NKEY: 'stranger' }),
      token: await outcome(home, { ...token, KANADE_NATS_TOKEN: secret }),
      tokenInAddress: await outcome(home, { KANADE_NATS_URL: tokens.url.replace('//', `//${secret}@`) }),
      nothing: await outcome(home, token),
      second: await outcome(home, { KANADE_NATS_URL: `nats://127.0.0.1:1,${tokens.url}`, KANADE_NATS_TOKEN: secret }),
    }).toEqual({
      user: 'connected',
      inAddress: 'connected',
      wrong: 'broker_refused',
      key: 'connected',
      otherKey: 'broker_refused',
      token: 'connected',
      tokenInAddress: 'connected',
      nothing: 'broker_refused',
      second: 'connected',
    });
  });

  it('presents a signed user, and takes a renewed file when it connects again', async () => {
    await using home = await openHome();
    const users = createSignedUsers();
    await using broker = await startNatsServer({ path, jetstream: false, lines: users.lines });
    const env = { KANADE_NATS_URL: broker.url, KANADE_NATS_CREDS: 'user.creds' };
    home.file('user.creds', users.creds('pc-1', 1_000_000_000));
    const access = home.read(env);
    expect(access).toMatchObject({ identity: 'signed user "pc-1"', expiresAtMs: 1_000_000_000_000 });
    expect(access.inboxPrefix).toMatch(/^_INBOX\.U[A-Z2-7]{55}$/);
    expect(await outcome(home, env)).toBe('broker_refused');
    home.file('user.creds', users.creds('pc-1'));
    await using connection = await openConnection(access, dial);
    expect(connection.isClosed()).toBe(false);
    home.file('user.creds', createSignedUsers().creds('pc-1'));
    expect(await outcome(home, env)).toBe('broker_refused');
  });

  it('speaks TLS with whom it trusts alone, and says what else is wrong', async () => {
    await using home = await openHome();
    const authority = createAuthority();
    home.file('ca.pem', authority.ca, 0o644);
    home.file('other.pem', createAuthority().ca, 0o644);
    const pem = (name: string, options: IssueOptions = {}): string => {
      const { cert, key } = authority.issue(options);
      return `cert_file: ${JSON.stringify(home.file(`${name}.pem`, cert))}, key_file: ${JSON.stringify(home.file(`${name}.key`, key))}`;
    };
    const serve = (tls: string) => startNatsServer({ path, jetstream: false, lines: [`tls { ${tls} }`] });
    const past = { notBefore: new Date(Date.now() - 9e8), notAfter: new Date(Date.now() - 8e8) };
    await using good = await serve(pem('good'));
    await using expired = await serve(pem('expired', past));
    await using misnamed = await serve(pem('misnamed', { names: ['elsewhere.example'] }));
    await using mutual = await serve(
      `${pem('mutual')}, ca_file: ${JSON.stringify(`${home.path}/ca.pem`)}, verify: true`,
    );
    await using plain = await startNatsServer({ path, jetstream: false });
    pem('client');
    const trusting = { KANADE_NATS_CA: 'ca.pem' };
    const client = { KANADE_NATS_CERT: 'client.pem', KANADE_NATS_KEY: 'client.key' };
    const of = (broker: { url: string }, env: Record<string, string> = trusting) =>
      outcome(home, { KANADE_NATS_URL: broker.url, ...env });
    expect({
      good: await of(good),
      asAsked: await of({ url: good.url.replace('nats:', 'tls:') }),
      nobodyTrusted: await of(good, {}),
      otherTrusted: await of(good, { KANADE_NATS_CA: 'other.pem' }),
      expired: await of(expired),
      misnamed: await of(misnamed),
      mutual: await of(mutual, { ...trusting, ...client }),
      // The broker does not answer at all then, so this is the one that waits for its time to end.
      withoutOurs: await outcome(home, { KANADE_NATS_URL: mutual.url, ...trusting }, 500),
      plain: await of(plain),
    }).toEqual({
      good: 'connected',
      asAsked: 'connected',
      nobodyTrusted: 'tls_untrusted',
      otherTrusted: 'tls_untrusted',
      expired: 'tls_expired',
      misnamed: 'tls_wrong_name',
      mutual: 'connected',
      withoutOurs: 'tls_client_refused',
      plain: 'tls_absent',
    });
    chmodSync(`${home.path}/client.key`, 0o644);
    expect(await of(mutual, { ...trusting, ...client })).toBe('secret_exposed');
  });
});

it('openConnection knows what is no nats-server', async () => {
  await using home = await openHome();
  const listener = createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  expect(await outcome(home, { KANADE_NATS_URL: `127.0.0.1:${port}` })).toBe('not_nats');
  listener.close();
});
