/** Enrolment against real brokers whose users are signed: tokens, issuers, machines, and what everybody may not do. */
import { createHash } from 'node:crypto';
import { enrolSubject } from '@kanade/shared/fleet';
import { eventually, natsServers, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { PermissionViolationError } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createEnrolToken,
  credentialsOf,
  endCredentials,
  issuerCreds,
  listEnrolTokens,
  machineIn,
  newMachineSeed,
  parseToken,
  readAuthority,
  readSigning,
  revokeEnrolToken,
} from '../src/enrol.ts';
import { connectFleet, type Fleet } from '../src/index.ts';
import { readGroup } from '../src/settings.ts';
import { type EnrolSite, openEnrolSite } from './enrol-site.ts';

const newest = await newestNatsServer();
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: { code?: string }) => error.code ?? String(error),
  );

/** An issuer that dies once, right behind one of its writes: what it has written is all that another one finds. */
function dying(at: number): (fleet: Fleet) => Fleet {
  return ({ jetstream, ...fleet }) => {
    let writes = 0;
    const publish: typeof jetstream.publish = async (...args) => {
      const done = await jetstream.publish(...args);
      if (++writes === at) throw new Error('killed');
      return done;
    };
    const get = (target: typeof jetstream, name: keyof typeof jetstream): unknown => {
      const value = target[name];
      return name === 'publish' ? publish : typeof value === 'function' ? value.bind(target) : value;
    };
    return { ...fleet, jetstream: new Proxy(jetstream, { get: get as never }) };
  };
}

/** Which of these a connection may say and hear. The refusals of all are told before the answer to the ping behind them. */
async function permitted({ connection }: Fleet, says: readonly string[], hears: readonly string[]): Promise<string[]> {
  const refused = new Set<string>();
  const listening = (async () => {
    for await (const status of connection.status()) {
      const { error } = status as { error?: Error };
      if (error instanceof PermissionViolationError) refused.add(`${error.operation} ${error.subject}`);
    }
  })();
  for (const subject of says) connection.publish(subject, '', { reply: '_INBOX.none' });
  for (const subject of hears) connection.subscribe(subject, { callback: () => undefined });
  await connection.flush();
  await connection.close();
  await listening;
  const all = [...says.map((subject) => `publish ${subject}`), ...hears.map((subject) => `subscription ${subject}`)];
  return all.filter((action) => !refused.has(action));
}

describe.each(await natsServers())('enrolment on nats-server $version', ({ path }) => {
  let shared: EnrolSite;
  beforeAll(async () => {
    shared = await openEnrolSite(path);
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  it('lets in a machine with a key of its own, into its groups, as often as the token says', async () => {
    const site = shared;
    await using _issuer = await site.serve();
    const keyring = `${JSON.stringify({ kind: 'kanade.keyring.v1', keys: [] })}\n`;
    const { text, token } = await site.token({ uses: 2, groups: ['web', 'lab'], keyring, label: 'rack 7' });
    expect(token).toMatchObject({ state: 'open', uses_max: 2, used: 0, groups: ['web', 'lab'], label: 'rack 7' });
    const seed = newMachineSeed();
    const first = await site.ask(text, 'pc-1', { seed });
    expect(first).toMatchObject({ groups: ['web', 'lab'], generation: 1, keyring });
    expect(machineIn(first.creds)).toMatchObject({ seed, name: 'pc-1' });
    expect(await readGroup(site.operator, 'web')).toMatchObject([{ pc: 'pc-1', given: true }]);
    const again = await site.ask(text, 'pc-1', { seed });
    expect([again.publicKey, again.generation]).toEqual([first.publicKey, 1]);
    expect(await site.ask(text, 'pc-2')).toMatchObject({ generation: 1 });
    expect(await codeOf(site.ask(text, 'pc-3'))).toBe('enrol_token_used_up');
    expect(await listEnrolTokens(site.operator)).toMatchObject([{ id: token.id, state: 'used_up', used: 2 }]);
    const machine = await site.machine(first.creds);
    machine.connection.publish('heartbeat.pc-1', '{}');
    await machine.connection.flush();
    // What it may not say is refused: the next thing that the broker says is that.
    const refused = (async () => {
      for await (const status of machine.connection.status())
        if (status.type === 'error') return String((status as { error: Error }).error.message);
      return '';
    })();
    machine.connection.publish('heartbeat.pc-2', '{}');
    expect(await refused).toContain('heartbeat.pc-2');
  });

  it.each(['full', 'memory'] as const)('ends the credentials of a machine with resolver %s', async (resolver) => {
    await using own = resolver === 'full' ? undefined : await openEnrolSite(path, { resolver });
    const site = own ?? shared;
    await using _issuer = await site.serve();
    const { text } = await site.token({ uses: 3 });
    const seed = newMachineSeed();
    const old = await site.ask(text, 'pc-7', { seed });
    const connected = await site.machine(old.creds);
    const gone = connected.connection.closed();
    expect(await codeOf(site.ask(text, 'pc-7'))).toBe('enrol_id_taken');
    expect(await credentialsOf(site.operator, 'pc-7')).toBe('live');
    const end = async () =>
      // As the program does: a connection for each call.
      endCredentials(await site.connect(`${site.keys}/operator.creds`), 'pc-7', {
        authority: readAuthority(site.keys),
        access: site.access(`${site.keys}/operator.creds`),
      });
    if (resolver === 'memory') {
      expect(await end()).toBe('pending');
      expect(await credentialsOf(site.operator, 'pc-7')).toBe('live');
      expect(await codeOf(site.ask(text, 'pc-7'))).toBe('enrol_id_taken');
      await site.reload();
      await eventually('the broker knows', async () => (await end()) === 'ended');
    } else expect(await end()).toBe('ended');
    expect(await end()).toBe('none');
    void gone;
    expect(await codeOf(site.machine(old.creds))).toBe('broker_refused');
    expect(await codeOf(site.ask(text, 'pc-7', { seed }))).toBe('enrol_key_taken');
    expect(await site.ask(text, 'pc-7')).toMatchObject({ generation: 2 });
    expect(await codeOf(site.machine(old.creds))).toBe('broker_refused');
  });
});

describe('whom a token lets in', () => {
  let site: EnrolSite;
  beforeAll(async () => {
    site = await openEnrolSite(newest.path);
  });
  afterAll(() => site[Symbol.asyncDispose]());
  const listed = async (id: string) => (await listEnrolTokens(site.operator)).find((token) => token.id === id);

  it('its uses are never given twice: three issuers, nine machines at once, four places', async () => {
    await using parts = new AsyncDisposableStack();
    for (let at = 0; at < 3; at++) parts.use(await site.serve());
    const { text, token } = await site.token({ uses: 4, groups: ['four'] });
    const codes = await Promise.all(Array.from({ length: 9 }, (_, at) => codeOf(site.ask(text, `one-of-${at}`))));
    expect(codes.filter((code) => code === 'done').length).toBe(4);
    expect(new Set(codes)).toEqual(new Set(['done', 'enrol_token_used_up']));
    expect(await listed(token.id)).toMatchObject({ used: 4, state: 'used_up' });
    expect((await readGroup(site.operator, 'four')).length).toBe(4);
  });

  it('two machines that claim one id at once: one has it, and the use of the other is free again', async () => {
    await using _one = await site.serve();
    await using _two = await site.serve();
    const { text, token } = await site.token({ uses: 5 });
    const codes = await Promise.all(Array.from({ length: 4 }, () => codeOf(site.ask(text, 'claimed'))));
    expect(codes.toSorted()).toEqual(['done', 'enrol_id_taken', 'enrol_id_taken', 'enrol_id_taken']);
    expect(await listed(token.id)).toMatchObject({ used: 1, state: 'open' });
  });

  it('not who has none of its keys, another id, a revoked or an ended token', async () => {
    await using _issuer = await site.serve();
    const bound = await site.token({ pcs: ['pc-7'], uses: 2 });
    expect(await codeOf(site.ask(bound.text, 'pc-8'))).toBe('enrol_id_refused');
    const seed = newMachineSeed();
    expect(await codeOf(site.ask(bound.text, 'pc-7', { seed }))).toBe('done');
    const other = await site.token({ uses: 2 });
    expect(await codeOf(site.ask(other.text, 'pc-9', { seed }))).toBe('enrol_key_taken');
    // A token of this broker, with the id of another one.
    const mixed = { ...parseToken(other.text, 0), id: bound.token.id };
    expect(await codeOf(site.ask(other.text, 'pc-9', { token: mixed }))).toBe('enrol_token_unknown');
    expect(await codeOf(site.ask(other.text, 'pc-9', { token: { ...mixed, id: 't-none' } }))).toBe(
      'enrol_token_unknown',
    );
    expect(await revokeEnrolToken(site.operator, other.token.id)).toBe(true);
    expect(await revokeEnrolToken(site.operator, other.token.id)).toBe(false);
    expect(await codeOf(site.ask(other.text, 'pc-9'))).toBe('enrol_token_revoked');
    expect(await codeOf(revokeEnrolToken(site.operator, 't-none'))).toBe('enrol_token_not_found');
    expect(await codeOf(site.ask(other.text, 'a.b'))).toBe('invalid_id');
    expect(() => parseToken(other.text, Date.now() + 3_700_000)).toThrow(
      expect.objectContaining({ code: 'enrol_token_expired' }),
    );
    for (const more of [{ uses: 0 }, { uses: 10_001 }]) expect(await codeOf(site.token(more))).toBe('too_large');
    expect(await codeOf(site.token({ keyring: '{}' }))).toBe('ring_invalid');
    expect(await codeOf(site.token({ pcs: ['a.b'] }))).toBe('invalid_id');
  });

  it('a machine believes no answer that its token does not vouch for', async () => {
    await using _issuer = await site.serve();
    const keyring = `${JSON.stringify({ kind: 'kanade.keyring.v1', keys: [] })}\n`;
    const { text } = await site.token({ keyring, uses: 2 });
    const token = parseToken(text, 0);
    expect(token.keyring_sha256).toBe(createHash('sha256').update(keyring).digest('hex'));
    const seed = newMachineSeed();
    for (const keyring_sha256 of ['0'.repeat(64), undefined])
      expect(await codeOf(site.ask(text, 'doubting', { seed, token: { ...token, keyring_sha256 } }))).toBe(
        'enrol_answer_invalid',
      );
    expect(await codeOf(site.ask(text, 'doubting', { seed }))).toBe('done');
  });

  it('waits for an issuer that is started later, and says so; without one it gives up', async () => {
    const { text } = await site.token();
    let waited = Promise.withResolvers<void>();
    expect(await codeOf(site.ask(text, 'patient', { waitMs: 0, onWaiting: () => waited.resolve() }))).toBe(
      'enrol_unanswered',
    );
    waited = Promise.withResolvers<void>();
    const asked = codeOf(site.ask(text, 'patient', { onWaiting: waited.resolve }));
    await waited.promise;
    await using _issuer = await site.serve();
    expect(await asked).toBe('done');
  });

  it.each([1, 2, 3, 4])('an issuer that dies behind write %i gives a use once and nothing by halves', async (at) => {
    await using _issuer = await site.serve(dying(at));
    const { text, token } = await site.token({ groups: ['died'], uses: 2 });
    const pc = `died-${at}`;
    expect(await site.ask(text, pc)).toMatchObject({ generation: 1, groups: ['died'] });
    expect(await listed(token.id)).toMatchObject({ used: 1 });
    expect((await readGroup(site.operator, 'died')).filter((member) => member.pc === pc).length).toBe(1);
  });

  it('who holds a token may ask, who serves may enrol, and neither may do anything else', async () => {
    const says = [
      ...['commands.all', 'commands.pc.pc-1.job', 'kill.x', 'heartbeat.pc-1', 'results.r', 'obs.pc-1', 'enrol.request'],
      ...['jobs', 'agent_groups', 'enrol_tokens', 'enrolments', 'fleet_config'].map((name) => `$KV.${name}.key`),
      ...['jobs', 'agent_groups', 'enrol_tokens', 'enrolments'].map((name) => `$JS.API.STREAM.MSG.GET.KV_${name}`),
      ...['CREATE', 'DELETE', 'UPDATE', 'PURGE', 'INFO'].map((verb) => `$JS.API.STREAM.${verb}.KV_enrol_tokens`),
      ...[
        '$JS.API.STREAM.MSG.DELETE.EXEC',
        '$SYS.REQ.CLAIMS.UPDATE',
        'audit.operator.enrol.pc-1',
        'audit.operator.exec.x',
      ],
    ];
    const hears = ['enrol.request', 'enrol.>', '>', '_INBOX.>', 'commands.>', '$KV.>', 'heartbeat.>', 'audit.>'];
    const { text } = await site.token();
    const { jwt, seed } = parseToken(text, 0);
    const creds = `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
    expect(await permitted(await site.machine(creds), says, hears)).toEqual(['publish enrol.request']);
    expect(await permitted(await site.connect(issuerCreds(site.keys)), says, hears)).toEqual([
      ...['agent_groups', 'enrol_tokens', 'enrolments'].map((name) => `publish $KV.${name}.key`),
      ...['agent_groups', 'enrol_tokens', 'enrolments'].map((name) => `publish $JS.API.STREAM.MSG.GET.KV_${name}`),
      ...['publish audit.operator.enrol.pc-1', 'subscription enrol.request'],
    ]);
  });

  it('garbage on the wire is answered and harms nobody', async () => {
    await using _issuer = await site.serve();
    const { text, token } = await site.token();
    const { jwt, seed } = parseToken(text, 0);
    const newcomer = await site.machine(
      `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    );
    const asked = JSON.stringify({
      token: token.id,
      pc_id: 'pc-1',
      public_key: `U${'A'.repeat(55)}`,
      nonce: 'x'.repeat(22),
    });
    for (const body of [
      '',
      '{}',
      '[1',
      'x'.repeat(60_000),
      '['.repeat(8_000),
      JSON.stringify({ asked: '{}', by_token: '', by_machine: '' }),
      JSON.stringify({ asked, by_token: '', by_machine: '' }),
      JSON.stringify({ asked: asked.replace('pc-1', '../x'), by_token: 'AAAA', by_machine: 'AAAA' }),
      JSON.stringify({ asked, by_token: 'A'.repeat(100), by_machine: Buffer.alloc(64).toString('base64') }),
    ]) {
      const answer = await newcomer.connection.request(enrolSubject, body, { timeout: 5_000 });
      expect(answer.json()).toMatchObject({ ok: false, code: 'enrol_request_invalid' });
    }
    expect(await codeOf(site.ask(text, 'unharmed'))).toBe('done');
  });

  it.each([
    ['that lets in everybody', {}],
    ['with a token', { token: 'secret' }],
  ])('a broker %s enrols nobody, and a token is not made for it', async (_what, options) => {
    await using other = await startNatsServer({ path: newest.path, ...options });
    await using fleet = await connectFleet({ servers: other.url, name: 'other', ...options });
    const signing = readSigning(site.keys, 'newcomer');
    const asked = { signing, servers: [other.url], uses: 1, ttlMs: 60_000, createdBy: 'ada' };
    expect(await codeOf(createEnrolToken(fleet, asked))).toBe('enrol_mode');
    const { text } = await site.token();
    const token = { ...parseToken(text, 0), servers: [other.url] };
    expect(await codeOf(site.ask(text, 'pc-1', { token }))).toBe('enrol_mode');
  });
});
