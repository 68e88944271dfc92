/**
 * From a token to a machine that takes orders, over the program alone, and how its credentials end. The broker speaks TLS, with a
 * certificate of an authority that nobody knows but by the token.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import {
  createAuthority,
  eventually,
  newestNatsServer,
  type RunningNatsServer,
  startNatsServer,
  tempDir,
} from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer, type CallOptions, call, type Json, start } from './program.ts';

const { path, version } = await newestNatsServer();
const parts = new AsyncDisposableStack();
let dir: string;
let broker: RunningNatsServer;
/** A call as the operator of the fleet. */
let fleet: (...words: string[]) => Promise<Json & { status: number | null }>;
let env: Record<string, string>;

/** Begins an issuer and waits until it answers. */
async function serve(): Promise<ReturnType<typeof start>> {
  const issuer = start(['fleet', 'enrol', 'serve', '--keys', `${dir}/keys`], {
    env: { ...env, KANADE_NATS_CREDS: '' },
  });
  await eventually('the issuer answers', () => issuer.text.stderr.includes('ready'));
  return issuer;
}

/** A token in a file. */
async function token(...words: string[]): Promise<{ file: string; id: string }> {
  const file = `${dir}/token-${Math.random().toString(36).slice(2)}`;
  const made = await fleet('enrol-token', 'create', '--keys', `${dir}/keys`, '--out', file, ...words);
  expect(made).toMatchObject({ ok: true, state: 'open', token_file: file });
  expect(made).not.toHaveProperty('token');
  return { file, id: String(made.id) };
}

const enrol = (file: string, place: string, ...words: string[]) =>
  answer([
    'agent',
    'enrol',
    '--token-file',
    file,
    '--connection',
    `${dir}/${place}/agent.yaml`,
    '--no-restart',
    ...words,
  ]);

/** An agent as a service starts it: nothing but where it looks. */
async function startEnrolled(place: string) {
  const own = ['--data-dir', `${dir}/${place}/data`, '--socket', `${dir}/${place}/s`, '--allow-own-user'];
  const agent = start(['agent', ...own, '--connection', `${dir}/${place}/agent.yaml`]);
  await eventually('the agent is ready', () => agent.text.stdout.includes('agent.ready'));
  return {
    ready: JSON.parse(agent.text.stdout.split('\n')[0] ?? '') as Json,
    text: agent.text,
    async [Symbol.asyncDispose]() {
      agent.child.kill('SIGTERM');
      await agent.ended;
    },
  };
}

const heard = (pc: string) => eventually(`${pc} answers`, async () => (await fleet('ping', pc)).ok === true);
const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

beforeAll(async () => {
  ({ path: dir } = parts.use(await tempDir()));
  const printed = await call([
    'fleet',
    'setup',
    '--print-server-config',
    '--enrolment',
    '--keys',
    `${dir}/keys`,
    '--resolver-dir',
    `${dir}/accounts`,
  ]);
  expect(printed).toMatchObject({ status: 0, stderr: expect.stringContaining('an authority was made') });
  const authority = createAuthority();
  const { cert, key } = authority.issue();
  for (const [name, text] of Object.entries({ ca: authority.ca, cert, key })) writeFileSync(`${dir}/${name}.pem`, text);
  const tls = `tls { cert_file: "${dir}/cert.pem", key_file: "${dir}/key.pem" }`;
  broker = parts.use(await startNatsServer({ path, lines: [printed.stdout, tls] }));
  const home = { HOME: dir, XDG_CONFIG_HOME: `${dir}/config` };
  env = { KANADE_NATS_URL: broker.url.replace('nats:', 'tls:'), KANADE_NATS_CA: `${dir}/ca.pem`, ...home };
  const own: CallOptions = { env: { ...env, KANADE_NATS_CREDS: `${dir}/keys/operator.creds` } };
  fleet = (...words) => answer(['fleet', ...words], own);
  expect(await fleet('setup')).toMatchObject({ ok: true });
  expect(await fleet('key', 'create', 'ops')).toMatchObject({ ok: true });
  expect(await fleet('key', 'trust', 'ops', '--enforcing')).toMatchObject({ ok: true });
  const issuer = await serve();
  parts.defer(async () => {
    issuer.child.kill('SIGTERM');
    const { stdout } = await issuer.ended;
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, type: 'fleet.enrol.serve', enrolled: expect.any(Number) });
  });
});
afterAll(() => parts.disposeAsync());

describe(`enrolment on nats-server ${version}`, () => {
  it('one command lets a machine in: it is heard, is in its groups, and obeys the keys of the fleet alone', async () => {
    const { file, id } = await token('--group', 'web', '--uses', '2', '--label', 'rack 7');
    expect(modeOf(file)).toBe('600');
    const enrolled = await enrol(file, 'one', '--id', 'pc-one');
    expect(enrolled).toMatchObject({
      ...{
        ok: true,
        type: 'agent.enrol',
        pc_id: 'pc-one',
        servers: [env.KANADE_NATS_URL],
        groups: ['web'],
        generation: 1,
      },
      ...{ again: false, service: 'not_restarted', command_keys: { kids: ['ops'], enforcing: true } },
    });
    expect([enrolled.connection, enrolled.creds].map((at) => modeOf(String(at)))).toEqual(['600', '600']);
    // Again: the same machine, the same key, no further use.
    expect(await enrol(file, 'one', '--id', 'pc-one')).toMatchObject({ again: true, public_key: enrolled.public_key });
    const { tokens } = await fleet('enrol-token', 'list');
    expect(tokens).toContainEqual(
      expect.objectContaining({ id, used: 1, uses_max: 2, state: 'open', label: 'rack 7' }),
    );
    expect(readdirSync(`${dir}/one`).sort()).toEqual(['agent.yaml', expect.stringMatching(/^enrolled-/)]);
    await using agent = await startEnrolled('one');
    expect(agent.ready).toMatchObject({ pc_id: 'pc-one' });
    await heard('pc-one');
    const { agents } = await fleet('ping', 'pc-one').then(({ agent: beat }) => ({ agents: beat as Json }));
    expect(agents).toMatchObject({ enforcing: true, command_keys: [expect.stringMatching(/^ops:/)] });
    expect(await fleet('group', 'show', 'web')).toMatchObject({ machines: [{ pc_id: 'pc-one' }] });
    writeFileSync(
      `${dir}/job.yaml`,
      'id: hello\nversion: 1.0.0\nexecute: { shell: sh, timeout: 1m, script: echo hello }\n',
    );
    expect(await fleet('job', 'put', `${dir}/job.yaml`)).toMatchObject({ ok: true });
    const done = await fleet('exec', 'hello', '--group', 'web', '--wait');
    expect(done).toMatchObject({ ok: true, results: [{ pc_id: 'pc-one', exit_code: 0, stdout: 'hello\n' }] });
    expect(agent.text.stderr).not.toMatch(/permission/i);
  });

  it('whoever comes under the id of a machine that was forgotten gets nothing of it, and what it had lets nobody in', async () => {
    const { file } = await token('--uses', '5');
    expect(await enrol(file, 'old', '--id', 'pc-two')).toMatchObject({ ok: true });
    const old = await startEnrolled('old');
    await heard('pc-two');
    const taken = await enrol(file, 'thief', '--id', 'pc-two');
    expect(taken).toMatchObject({
      status: 1,
      error: { code: 'enrol_id_taken', message: expect.stringContaining('fleet forget') },
    });
    expect(existsSync(`${dir}/thief/agent.yaml`)).toBe(false);
    writeFileSync(
      `${dir}/late.yaml`,
      `id: late\nversion: 1.0.0\nexecute: { shell: sh, timeout: 1m, script: 'echo late' }\n`,
    );
    await fleet('job', 'put', `${dir}/late.yaml`);
    expect(await fleet('forget', 'pc-two')).toMatchObject({ error: { code: 'enrol_authority_missing' } });
    expect(await fleet('ping', 'pc-two')).toMatchObject({ ok: true });
    await old[Symbol.asyncDispose]();
    expect(await fleet('exec', 'late', '--pc', 'pc-two')).toMatchObject({ ok: true });
    expect(await fleet('forget', 'pc-two', '--keys', `${dir}/keys`)).toMatchObject({
      ...{ ok: true, credentials: 'ended', withdrawn: ['commands.pc.pc-two.late'] },
    });
    // The old one, started again, is not let in; the new one is, and nothing waits for it.
    await using again = await startEnrolled('old');
    await eventually('it is told', () => again.text.stderr.includes('broker_refused'));
    expect(await enrol(file, 'new', '--id', 'pc-two')).toMatchObject({ ok: true, generation: 2 });
    await using _agent = await startEnrolled('new');
    await heard('pc-two');
    const done = await fleet('exec', 'late', '--pc', 'pc-two', '--wait');
    expect(done).toMatchObject({ ok: true, results: [{ exit_code: 0, stdout: 'late\n' }] });
    const { results } = await fleet('results', 'late');
    expect(results).toMatchObject([{ pc_id: 'pc-two' }]);
    // The old machine may come back as what it is: a new one, with a key of its own.
    expect(await enrol(file, 'old', '--id', 'pc-three')).toMatchObject({ ok: true, generation: 1, again: false });
  });

  it('a machine that is killed while it waits is the same machine when it asks again', async () => {
    const { file, id } = await token('--pc', 'pc-four');
    expect(await enrol(file, 'four', '--id', 'pc-five')).toMatchObject({ error: { code: 'enrol_id_refused' } });
    const words = ['agent', 'enrol', '--token-file', file, '--connection', `${dir}/four/agent.yaml`, '--id', 'pc-four'];
    const killed = start([...words, '--no-restart']);
    await eventually(
      'its key is kept',
      () => readdirSync(`${dir}/four`).includes('enrolling.json') || killed.child.exitCode !== null,
    );
    killed.child.kill('SIGKILL');
    await killed.ended;
    const first = existsSync(`${dir}/four/enrolling.json`)
      ? (JSON.parse(readFileSync(`${dir}/four/enrolling.json`, 'utf8')) as Json)
      : undefined;
    const enrolled = await enrol(file, 'four', '--id', 'pc-four');
    expect(enrolled).toMatchObject({ ok: true });
    if (first?.pc === 'pc-four') expect(readFileSync(String(enrolled.creds), 'utf8')).toContain(String(first.seed));
    expect((await fleet('enrol-token', 'list')).tokens).toContainEqual(expect.objectContaining({ id, used: 1 }));
  });

  it('the token comes from a file, the environment or standard input, never from an argument, and no secret is said', async () => {
    const { file } = await token();
    const text = readFileSync(file, 'utf8').trim();
    const at = ['agent', 'enrol', '--connection', `${dir}/said/agent.yaml`, '--id', 'pc-six', '--no-restart'];
    expect(await call([...at, text])).toMatchObject({ status: 2, stdout: '' });
    expect(await call(at, { input: '' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('KANADE_ENROL_TOKEN'),
    });
    expect(await answer(at, { input: 'kanade-enrol-1.x.y' })).toMatchObject({ error: { code: 'enrol_token_invalid' } });
    expect(await answer([...at, '--token-file', `${dir}/none`])).toMatchObject({
      error: { code: 'enrol_token_unreadable' },
    });
    const spoken = await call([...at, '--human'], { env: { KANADE_ENROL_TOKEN: text } });
    expect(spoken).toMatchObject({ status: 0, stdout: expect.stringContaining('pc-six is enrolled') });
    const piped = await call(at, { input: `${text}\n` });
    expect(JSON.parse(piped.stdout)).toMatchObject({ ok: true, again: true });
    for (const { stdout, stderr } of [spoken, piped])
      expect(stdout + stderr).not.toMatch(/\bSU[A-Z2-7]{20}|eyJ|kanade-enrol/);
  });

  it('a broker of another kind enrols nobody, and says what to do there instead', async () => {
    await using other = await startNatsServer({ path, token: 'word' });
    const own = { KANADE_NATS_URL: other.url, KANADE_NATS_TOKEN: 'word', HOME: dir };
    const words = ['enrol-token', 'create', '--keys', `${dir}/keys`];
    const said = { error: { code: 'enrol_mode', message: expect.stringContaining('--agents-file') } };
    expect(await answer(['fleet', ...words], { env: own })).toMatchObject(said);
    expect(await answer(['fleet', 'enrol', 'serve', '--keys', `${dir}/keys`], { env: own })).toMatchObject({
      error: { code: 'enrol_mode' },
    });
    expect(await answer(['fleet', ...words.slice(0, 3), `${dir}/none`], { env: own })).toMatchObject({
      error: { code: 'enrol_authority_missing' },
    });
    expect(await call(['fleet', 'enrol-token', 'create'], { env: own })).toMatchObject({ status: 2 });
  });
});
