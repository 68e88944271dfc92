/** A broker with the configuration that `fleet setup --print-server-config` prints: a whole job, and who may not order one. */
import { writeFileSync } from 'node:fs';
import { eventually, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { answer, call } from './program.ts';

const { path, version } = await newestNatsServer();

type As = (name: string) => { readonly env: Record<string, string> };

const refused = { ok: false, error: { code: 'broker_refused' } };

/** What each role may of the past, and of what operators say of machines. */
async function asked(as: As): Promise<void> {
  const say = (name: string, ...words: string[]) => answer(['fleet', ...words], as(name));
  const changes = [
    ['config', 'set', 'heartbeat_interval', '1m'],
    ['config', 'unset', 'heartbeat_interval'],
    ['group', 'add', 'lab', 'pc-2'],
    ['meta', 'set', 'pc-1', 'owner', 'Ada'],
    ['freeze', 'set', '--for', '1h'],
    ['freeze', 'clear'],
  ];
  for (const words of changes) {
    expect(await say('read-only', ...words)).toMatchObject(refused);
    expect(await say('operator', ...words)).toMatchObject({ ok: true });
  }
  for (const name of ['break-glass', 'agents/pc-2'])
    expect(await say(name, 'config', 'set', 'heartbeat_interval', '1m')).toMatchObject(refused);
  const { results } = await say('read-only', 'results', '--since', '1h');
  const { result_id: runId } = (results as { result_id: string }[])[0] ?? { result_id: '' };
  for (const words of [
    ['show', runId],
    ['config', 'get'],
    ['config', 'effective', 'pc-1'],
    ['group', 'show', 'lab'],
    ['meta', 'get', 'pc-1'],
    ['freeze', 'status'],
  ]) {
    const answered = await say('read-only', ...words);
    expect(answered).toMatchObject({ ok: true });
    expect(answered).not.toHaveProperty('missing_output');
  }
  expect(await say('break-glass', 'results', 'long')).toMatchObject({ ok: true, unknown: ['running'] });
  expect(await say('break-glass', 'show', runId)).toMatchObject({
    ...{ status: 1, job_id: 'long', unknown: ['started', 'order'], missing_output: [{ stream: 'stdout' }] },
  });
  expect(await say('agents/pc-2', 'results')).toMatchObject(refused);
}

/** What each role may do with scripts of the object store; the machine fetches one. */
async function stored(as: As, dir: string): Promise<void> {
  const say = (name: string, ...words: string[]) => answer(['fleet', ...words], as(name));
  writeFileSync(`${dir}/script.sh`, `# ${'x'.repeat(300_000)}\necho stored\n`);
  const job = 'id: stored\nversion: 1.0.0\nexecute: { shell: sh, timeout: 1m, script_object: it/1 }\n';
  writeFileSync(`${dir}/stored.yaml`, job);
  for (const name of ['read-only', 'break-glass', 'agents/pc-2']) {
    expect(await say(name, 'script', 'put', 'it', '1', `${dir}/script.sh`)).toMatchObject(refused);
  }
  expect(await say('operator', 'script', 'put', 'it', '1', `${dir}/script.sh`)).toMatchObject({ ok: true });
  expect(await say('operator', 'job', 'put', `${dir}/stored.yaml`)).toMatchObject({ ok: true });
  for (const name of ['operator', 'break-glass']) {
    const done = await say(name, 'exec', 'stored', '--pc', 'pc-1', '--wait');
    expect(done).toMatchObject({ ok: true, results: [{ exit_code: 0, stdout: 'stored\n' }] });
  }
  expect(await say('read-only', 'script', 'list')).toMatchObject({ scripts: [{ script: 'it/1', jobs: ['stored'] }] });
  expect(await say('read-only', 'script', 'remove', 'it/1')).toMatchObject(refused);
  expect(await say('operator', 'script', 'remove', 'it/1')).toMatchObject({ ok: true, jobs: ['stored'] });
}

describe(`the printed configuration on nats-server ${version}`, () => {
  it('a whole job goes through with each role doing what it may, and nobody does more', async () => {
    await using dir = await tempDir();
    const keys = `${dir.path}/keys`;
    writeFileSync(`${dir.path}/machines`, 'pc-1: web\n');
    const words = ['fleet', 'setup', '--print-server-config', '--keys', keys];
    const printed = await call([...words, '--agents', 'pc-2', '--agents-file', `${dir.path}/machines`]);
    expect(printed).toMatchObject({ status: 0, stderr: expect.stringContaining('5 users, 2 of them machines') });
    await using broker = await startNatsServer({ path, lines: [printed.stdout] });
    const as = (name: string) => ({ env: { KANADE_NATS_URL: broker.url, KANADE_NATS_NKEY: `${keys}/${name}.nk` } });
    const operator = as('operator');
    expect(await answer(['fleet', 'setup'], operator)).toMatchObject({ ok: true });
    const script = 'yes 0123456789 | head -c 300000';
    const job = `id: long\nversion: 1.0.0\nexecute:\n  shell: sh\n  timeout: 1m\n  script: ${JSON.stringify(script)}\n`;
    writeFileSync(`${dir.path}/job.yaml`, job);
    expect(await answer(['fleet', 'job', 'put', `${dir.path}/job.yaml`], operator)).toMatchObject({ ok: true });
    const connection = `${dir.path}/agent.yaml`;
    writeFileSync(connection, `servers: ["${broker.url}"]\nnkey: keys/agents/pc-1.nk\n`, { mode: 0o600 });
    // Settings of the machine, of the group that it was listed with, and of another one that it is not to hear of.
    for (const [scope, value] of [
      [['--pc', 'pc-1'], '2'],
      [['--group', 'web'], '3'],
      [['--group', 'db'], '4'],
    ] as const)
      expect(await answer(['fleet', 'config', 'set', 'max_local_concurrent', value, ...scope], operator)).toMatchObject(
        {
          ok: true,
        },
      );
    expect(await answer(['fleet', 'group', 'add', 'web', 'pc-1'], operator)).toMatchObject({ ok: true });
    const agent = await startAgent({ args: ['--connection', connection, '--log-level', 'info'] });
    await eventually('its settings', () => agent.text.stderr.includes('"max_local_concurrent":2'));
    const done = await answer(['fleet', 'exec', 'long', '--pc', 'pc-1', '--wait'], operator);
    expect(done).toMatchObject({ ok: true, results: [{ pc_id: 'pc-1', exit_code: 0 }] });
    expect((done.results as { stdout: string }[])[0]?.stdout.length).toBe(300_000);
    expect(await answer(['fleet', 'doctor'], operator)).toMatchObject({ healthy: true });

    const reader = as('read-only');
    expect(await answer(['fleet', 'ping', 'pc-1'], reader)).toMatchObject({ ok: true });
    expect(await answer(['fleet', 'job', 'list'], reader)).toMatchObject({ ok: true, jobs: [{ id: 'long' }] });
    expect(await answer(['fleet', 'job', 'put', `${dir.path}/job.yaml`], reader)).toMatchObject(refused);
    expect(await answer(['fleet', 'exec', 'long', '--pc', 'pc-1'], reader)).toMatchObject(refused);
    expect(await answer(['fleet', 'setup', '--reset'], as('agents/pc-2'))).toMatchObject(refused);
    expect(await answer(['fleet', 'exec', 'long', '--pc', 'pc-1', '--wait'], as('agents/pc-2'))).toMatchObject(refused);
    await asked(as);
    await stored(as, dir.path);
    await agent[Symbol.asyncDispose]();
    expect(agent.text.stderr).not.toMatch(/permission/i);
  });

  it.each([
    [['--print-server-config'], /needs --keys/],
    [['--keys', 'x'], /need --print-server-config/],
    [['--replicas', '6'], /between 1 and 5/],
  ])('%j makes no sense', async (words, message) => {
    const { status, stderr } = await call(['fleet', 'setup', ...words]);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
