/** Orders with and without a signature, from the command line to machines that insist on one; and what became of stolen copies. */
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually, natsServers, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { answer, start } from './program.ts';
import { openPlainBroker } from './trust/plain-broker.ts';

interface Ran {
  readonly exit_code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A broker, an operator with a key, and two machines whose ring trusts that key alone. */
async function openSite(path: string) {
  await using closing = new AsyncDisposableStack();
  const { path: dir } = closing.use(await tempDir());
  const broker = closing.use(await startNatsServer({ path }));
  const env = (keys: string) => ({ KANADE_NATS_URL: broker.url, KANADE_KEYS_DIR: `${dir}/${keys}` });
  const fleet = (...args: string[]) => answer(['fleet', ...args], { env: env('keys') });
  const ring = `${dir}/ring.json`;
  await fleet('setup');
  await fleet('key', 'create', 'ops');
  await fleet('key', 'trust', 'ops', '--enforcing', '--ring', ring);
  const data = `${dir}/data`;
  const args = ['--server', broker.url, '--command-keys', ring];
  for (const id of ['pc-1', 'pc-2']) {
    closing.use(await startAgent({ args, id, ...(id === 'pc-1' ? { dataDir: data } : {}) }));
    await eventually(`${id} is online`, async () => (await fleet('ping', id)).ok);
  }
  const open = closing.move();
  return {
    dir,
    url: broker.url,
    ring,
    data,
    fleet,
    /** Runs a script on pc-1, signed with the keys of a directory. */
    async run(keys: string, script: string, ...more: string[]) {
      const { ended } = start(['fleet', 'run', 'pc-1', ...more, '--', script], { env: env(keys) });
      const { stdout, stderr } = await ended;
      return { ...(JSON.parse(stdout) as { results?: Ran[]; signed_by?: string; protocol?: string }), said: stderr };
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** The newest ad-hoc order to pc-1 as the broker has it: what somebody can steal who may read there. */
async function stolen(url: string) {
  await using broker = await openPlainBroker(url);
  const asked = JSON.stringify({ last_by_subj: 'commands.pc.pc-1.adhoc-run' });
  const { message } = JSON.parse(await broker.request('$JS.API.STREAM.MSG.GET.EXEC', asked));
  const text = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
  // Without the id by which a broker knows a repetition: a thief leaves it off.
  const headers = text(message.hdrs).replace(/^Nats-Msg-Id:.*\r\n/m, '');
  return { headers, body: text(message.data) };
}

/** Publishes bytes and headers as they are, and resolves when the broker has them. */
async function send(url: string, subject: string, { headers, body }: { headers: string; body: string }) {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const sizes = `${Buffer.byteLength(headers)} ${Buffer.byteLength(headers) + Buffer.byteLength(body)}`;
  let heard = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    heard += chunk;
  });
  socket.write(`CONNECT {"verbose":false,"headers":true}\r\nHPUB ${subject} ${sizes}\r\n${headers}${body}\r\nPING\r\n`);
  await eventually('the broker has it', () => heard.includes('PONG'));
  socket.destroy();
}

describe.each(await natsServers())('machines that insist on signatures, nats-server $version', ({ path }) => {
  it('run what the operator signed, once and nowhere else, and refuse everything else in words', async () => {
    await using site = await openSite(path);
    const { dir, url, fleet, run } = site;
    const mark = `${dir}/mark`;
    const unsigned = await run('no-keys', `echo unsigned >> ${mark}`);
    expect(unsigned.results).toMatchObject([{ exit_code: 123, stderr: expect.stringContaining('no signature') }]);
    expect(unsigned).not.toHaveProperty('signed_by');
    await answer(['fleet', 'key', 'create', 'ops'], { env: { KANADE_KEYS_DIR: `${dir}/strangers` } });
    const strangers = await run('strangers', `echo stranger >> ${mark}`);
    expect(strangers).toMatchObject({ signed_by: 'ops', protocol: 'legacy', results: [{ exit_code: 123 }] });
    expect(strangers.said).toContain('the machine does not trust key ops');
    expect(existsSync(mark)).toBe(false);

    const good = await run('keys', `echo good >> ${mark}`);
    expect(good).toMatchObject({ signed_by: 'ops', protocol: 'kanade.command.v2', results: [{ exit_code: 0 }] });
    const copy = await stolen(url);
    await send(url, 'commands.pc.pc-2.adhoc-run', copy);
    await send(url, 'commands.pc.pc-1.adhoc-run', copy);
    const forged = { ...copy, body: copy.body.replace('echo good', 'echo evil') };
    await send(url, 'commands.pc.pc-1.adhoc-run', forged);
    // Good until its deadline, which is over when it is shown again.
    await run('keys', 'true', '--no-wait', '--deadline', '1');
    const late = await stolen(url);
    const untilMs = Date.parse(JSON.parse(late.body).expires_at);
    await eventually('it has expired', () => Date.now() > untilMs);
    await send(url, 'commands.pc.pc-1.adhoc-run', late);
    const told = async (kind: string) =>
      ((await fleet('events', '--kind', kind)).records as { pc_id: string }[]).map(({ pc_id }) => pc_id);
    await eventually('the wrong machine says so', async () =>
      (await told('command_signature_misaddressed')).includes('pc-2'),
    );
    await eventually('the late one is told', async () => (await told('command_signature_expired')).includes('pc-1'));
    await eventually('the forged one is told', async () => (await told('command_signature_invalid')).includes('pc-1'));
    // Whatever came before this one has been judged.
    expect(await run('keys', 'echo last')).toMatchObject({ results: [{ stdout: 'last\n' }] });
    expect(readFileSync(mark, 'utf8')).toBe('good\n');
  });
});

// What the machine says of its ring does not depend on the broker.
describe('a machine whose ring cannot be relied upon', () => {
  it('says so there, in heartbeats and in each refusal, until it can', async () => {
    await using site = await openSite((await newestNatsServer()).path);
    const { ring, data, fleet, run } = site;
    const sound = readFileSync(ring);
    truncateSync(ring, 20);
    const locked = () => fleet('ping', 'pc-1').then(({ agent }) => (agent as { orders_locked?: string }).orders_locked);
    await eventually('the machine is locked', locked);
    expect(await locked()).toContain('not JSON');
    const doctor = async () => {
      const { findings } = await answer(['doctor'], { env: { KANADE_AGENT_DATA_DIR: data, KANADE_NATS_URL: '' } });
      return (findings as { name: string }[]).find(({ name }) => name === 'agent_orders');
    };
    expect(await doctor()).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/^every order is refused: .*not JSON/s),
      fix: expect.stringContaining('mend the key ring'),
    });
    const { results } = await run('keys', 'echo locked');
    expect(results).toMatchObject([{ exit_code: 123, stderr: expect.stringContaining('cannot be relied upon') }]);
    writeFileSync(ring, sound);
    await eventually('the machine takes orders again', async () => (await locked()) === undefined);
    expect(await run('keys', 'echo mended')).toMatchObject({ results: [{ exit_code: 0, stdout: 'mended\n' }] });
    expect(await doctor()).toBeUndefined();
  });
});
