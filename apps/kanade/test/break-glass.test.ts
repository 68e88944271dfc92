/** The day on which nobody else can: one user and one key for emergencies, with no more than the printed configuration gives them. */
import { writeFileSync } from 'node:fs';
import { eventually, natsServers, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { answer, type CallOptions, call, start } from './program.ts';

const newest = await newestNatsServer();

/** A broker with the printed configuration, a machine that obeys signed orders alone, and calls as the users of the broker. */
async function openSite(path: string, change: (config: string) => string = (config) => config) {
  await using closing = new AsyncDisposableStack();
  const { path: dir } = closing.use(await tempDir());
  const printed = await call(['fleet', 'setup', '--print-server-config', '--keys', `${dir}/users`, '--agents', 'pc-1']);
  const broker = closing.use(await startNatsServer({ path, lines: [change(printed.stdout)] }));
  const as = (user: string): CallOptions => ({
    env: {
      XDG_CONFIG_HOME: `${dir}/${user}`,
      KANADE_NATS_URL: broker.url,
      KANADE_NATS_NKEY: `${dir}/users/${user}.nk`,
    },
  });
  const operator = (...args: string[]) => answer(['fleet', ...args], as('operator'));
  const glass = (...args: string[]) => answer(['fleet', ...args], as('break-glass'));
  await operator('setup');
  const ring = `${dir}/ring.json`;
  await glass('key', 'create', 'emergency', '--break-glass');
  await glass('key', 'trust', 'emergency', '--enforcing', '--ring', ring);
  const connection = `${dir}/agent.yaml`;
  writeFileSync(connection, `servers: ["${broker.url}"]\nnkey: users/agents/pc-1.nk\n`, { mode: 0o600 });
  closing.use(await startAgent({ args: ['--connection', connection, '--command-keys', ring] }));
  await eventually('the machine is online', async () => (await operator('ping', 'pc-1')).ok);
  const open = closing.move();
  return {
    dir,
    operator,
    glass,
    /** A call of the break-glass user that goes on. */
    begin: (...args: string[]) => start(['fleet', ...args], as('break-glass')),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

describe.each(await natsServers())('break-glass on nats-server $version', ({ path }) => {
  it('orders and stops with the least that is printed, says what it may not know, and every use of the key is told', async () => {
    await using site = await openSite(path);
    const { dir, operator, glass } = site;
    const signed = { ok: true, signed_by: 'emergency', protocol: 'kanade.command.v2' };
    const said = await glass('run', 'pc-1', '--', 'echo', 'saved');
    expect(said).toMatchObject({ ...signed, results: [{ stdout: 'saved\n', exit_code: 0 }] });
    writeFileSync(`${dir}/job.yaml`, 'id: a\nversion: 1.0.0\nexecute: { shell: sh, timeout: 1m, script: echo a }\n');
    await operator('job', 'put', `${dir}/job.yaml`);
    const done = await glass('exec', 'a', '--pc', 'pc-1', '--wait');
    expect(done).toMatchObject({ ...signed, results: [{ stdout: 'a\n', exit_code: 0 }] });

    expect(await glass('results', String(done.exec_id))).toMatchObject({ ok: true, results: [{ job_id: 'a' }] });

    const { exec_id } = await glass('run', 'pc-1', '--no-wait', '--', `: > ${dir}/begun; sleep 600`);
    const killing = site.begin('kill', String(exec_id), '--timeout', '600');
    await eventually('the machine confirms', () => killing.text.stderr.includes('pc-1: killed'));
    // Who else runs it is unknown to this user, so nobody but its caller knows when to leave.
    killing.child.kill('SIGINT');
    const { status, stdout, stderr } = await killing.ended;
    expect(stderr).toContain('does not let this user look up whom the order is for');
    expect(stderr).toContain('does not let this user look up where it runs');
    expect([status, JSON.parse(stdout).error]).toMatchObject([
      1,
      { code: 'interrupted', details: { exec_id, stopped: [{ pc_id: 'pc-1', ending: 'killed' }] } },
    ]);
    const nobody = await glass('kill', 'no-such-order', '--timeout', '1');
    expect(nobody).toMatchObject({ status: 1, error: { code: 'no_answer', details: { unknown: ['order', 'begun'] } } });
    expect(nobody.error?.message).toContain('whether one runs it is unknown');

    const subjects = await eventually('every use is told', async () => {
      const { records } = await operator('events', '--kind', 'command_signature_ok');
      const uses = records as { payload: { kid: string; subject: string } }[];
      // An order that comes twice is looked at twice.
      return uses.length >= 3 && uses.map(({ payload: { kid, subject } }) => `${kid} on ${subject}`);
    });
    expect([...new Set(subjects)].sort()).toEqual([
      'emergency on commands.pc.pc-1.a',
      'emergency on commands.pc.pc-1.adhoc-run',
    ]);
    const { records } = await operator('audit', '--limit', '5');
    expect((records as { action: string }[]).map(({ action }) => action)).toEqual([
      ...['kill', 'kill', 'run', 'exec', 'job.put'],
    ]);
    // What becomes of keys is recorded, too, where there is somebody to record it.
    await operator('key', 'create', 'ops');
    await operator('key', 'trust', 'ops', '--ring', `${dir}/other.json`);
    await operator('key', 'trust', '--enforcing', '--ring', `${dir}/other.json`);
    await operator('key', 'remove', 'ops', '--private');
    const keys = (await operator('audit', '--limit', '4')).records;
    expect(keys).toMatchObject([
      { action: 'key.remove', about: 'ops', details: { keys_dir: `${dir}/operator/kanade/keys` } },
      { action: 'key.trust', details: { ring: `${dir}/other.json`, enforcing: true } },
      { action: 'key.trust', about: 'ops', details: { ring: `${dir}/other.json`, enforcing: false } },
      { action: 'key.create', about: 'ops', details: { command_key: expect.stringMatching(/^ops:/) } },
    ]);
    const unrecorded = await glass('key', 'create', 'second');
    expect(unrecorded).toMatchObject({ ok: true, audit_failed: expect.stringContaining('Permissions Violation') });
    // Only single machines, and nothing of the catalogue.
    for (const words of [
      ['exec', 'a', '--all'],
      ['revoke', 'a'],
    ])
      expect(await glass(...words)).toMatchObject({ ok: false, error: { code: 'broker_refused' } });
  });
});

describe(`break-glass on nats-server ${newest.version}`, () => {
  it('orders and waits where it may not even ask machines, as a configuration of an earlier version has it', async () => {
    await using site = await openSite(newest.path, (config) =>
      config.replaceAll('"agents.*.ping", "audit.operator.run"', '"audit.operator.run"'),
    );
    const running = site.begin('run', 'pc-1', '--', 'echo', 'unasked');
    const { stdout, stderr } = await running.ended;
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ ok: true, signed_by: 'emergency', protocol: 'legacy', results: [{ stdout: 'unasked\n' }] },
    });
    expect(stderr).toContain('whether machines trust key emergency is unknown');
    expect(stderr).toContain('who is online cannot be known');
  });
});
