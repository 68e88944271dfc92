/** How operators and agents reach a broker as people have them: with credentials and TLS, none of which ever shows. */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createAuthority, eventually, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { exampleJobs, startAgent } from './agent.ts';
import { answer, call, start } from './program.ts';

const password = 'pa55word-of-the-operator';
const token = 't0ken-of-the-fleet';
const { path } = await newestNatsServer();

/** A directory of files with a mode. */
async function openFiles() {
  const dir = await tempDir();
  return {
    path: dir.path,
    put(name: string, text: string, mode = 0o600): string {
      writeFileSync(`${dir.path}/${name}`, text);
      chmodSync(`${dir.path}/${name}`, mode);
      return `${dir.path}/${name}`;
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** The command lines of everything that runs here. */
function commandLines(): string {
  const read = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    } catch {
      return ''; // gone again
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(read)
    .join('\n');
}

describe('a broker with users and mutual TLS', () => {
  it('an order goes all the way, and doctor says what is wrong with each address', async () => {
    await using files = await openFiles();
    const authority = createAuthority();
    files.put('ca.pem', authority.ca, 0o644);
    for (const name of ['broker', 'agent', 'operator']) {
      const { cert, key } = authority.issue();
      files.put(`${name}.pem`, cert, 0o644);
      files.put(`${name}.key`, key);
    }
    const at = (name: string): string => JSON.stringify(`${files.path}/${name}`);
    await using broker = await startNatsServer({
      path,
      lines: [
        `tls { cert_file: ${at('broker.pem')}, key_file: ${at('broker.key')}, ca_file: ${at('ca.pem')}, verify: true }`,
        `authorization { users: [ { user: "operator", password: "${password}" }, { user: "pc-1", password: "${password}" } ] }`,
      ],
    });
    const access = (user: string, name: string): string =>
      `servers: [tls://127.0.0.1:${broker.port}]\nuser: ${user}\npassword: ${password}\ntls: { ca: ca.pem, cert: ${name}.pem, key: ${name}.key }\n`;
    const env = { KANADE_NATS_CONFIG: files.put('operator.yaml', access('operator', 'operator')) };
    expect(await answer(['fleet', 'setup'], { env })).toMatchObject({ ok: true, server: `127.0.0.1:${broker.port}` });
    await using agent = await startAgent({ args: ['--connection', files.put('agent.yaml', access('pc-1', 'agent'))] });
    await answer(['fleet', 'job', 'put', `${exampleJobs}/disk-report.yaml`], { env });
    const done = await answer(['fleet', 'exec', 'disk-report', '--pc', 'pc-1', '--wait'], { env });
    expect(done).toMatchObject({ ok: true, results: [{ pc_id: 'pc-1', exit_code: 0, ending: 'exited' }] });
    expect(agent.text.stderr).not.toContain(password);

    const doctor = async (more: Record<string, string>) => {
      const { healthy, findings } = (await answer(['fleet', 'doctor'], { env: { ...env, ...more } })) as {
        healthy?: boolean;
        findings?: { name: string; ok: boolean; detail: string; fix?: string }[];
      };
      return { healthy, said: (findings ?? []).map(({ ok, name, detail }) => `${ok ? '' : 'not '}${name}: ${detail}`) };
    };
    const good = await doctor({});
    expect(good).toMatchObject({ healthy: true });
    expect(good.said.join('\n')).toMatch(/credentials: user "operator"[\s\S]*is nats-server \d[\s\S]*one copy on disk/);
    const url = `tls://127.0.0.1:${broker.port}`;
    const bad = await doctor({
      KANADE_NATS_URL: `nats://127.0.0.1:1,tls://localhost:${broker.port},${url}`,
      KANADE_NATS_USER: 'x',
      KANADE_NATS_PASSWORD: 'y',
    });
    expect(bad.healthy).toBe(false);
    expect(bad.said.slice(1).map((text) => text.replace(/.*failed: /, '').slice(0, 30))).toEqual([
      'nothing listens there; check t',
      'the broker wants other credent',
      'the broker wants other credent',
    ]);
    files.put('other.pem', createAuthority('other').ca, 0o644);
    const untrusted = await doctor({ KANADE_NATS_CA: `${files.path}/other.pem` });
    expect(untrusted.said.join()).toContain('its certificate was signed by nobody we trust');
    const local = await answer(['doctor'], { env: { ...env, HOME: files.path } });
    expect(JSON.stringify(local.findings)).toContain('is nats-server');
  });
});

describe('secrets', () => {
  /** Every way a command connects; the cases behind the first need no more than two of them. */
  const commands = [
    ['setup'],
    ['doctor'],
    ['job', 'list'],
    ['exec', 'none', '--all'],
    ['kill', 'none', '--no-wait'],
    ['ping', 'pc-1'],
    ['agents', '--listen', '1'],
  ];

  it.each([
    ['a token in an address', (url: string) => ({ KANADE_NATS_URL: url.replace('//', `//${token}@`) })],
    ['a token beside it', (url: string) => ({ KANADE_NATS_URL: url, KANADE_NATS_TOKEN: token })],
    ['a wrong one', (url: string) => ({ KANADE_NATS_URL: url.replace('//', `//me:${password}@`) })],
    ['one where nobody listens', () => ({ KANADE_NATS_URL: `nats://me:${password}@127.0.0.1:1` })],
    ['one of no use', () => ({ KANADE_NATS_URL: `nats://me:${password}/x@127.0.0.1:1` })],
  ])('%s shows in no output at -vvv, no log and no command line', async (name, envOf) => {
    await using files = await openFiles();
    await using broker = await startNatsServer({ path, token });
    const env = envOf(broker.url);
    const seen = await Promise.all(
      commands.slice(0, name.includes('in an') ? commands.length : 2).map(async (words) => {
        const { ended } = start(['-vvv', 'fleet', ...words], { env });
        const lines = commandLines();
        const { status, stdout, stderr } = await ended;
        expect(stderr).toContain('fleet ');
        return { status, text: [stdout, stderr, lines].join('\n') };
      }),
    );
    const agent = start(
      [
        'agent',
        '--id',
        'pc-9',
        '--data-dir',
        `${files.path}/data`,
        '--socket',
        `${files.path}/s`,
        '--allow-own-user',
        '--log-level',
        'trace',
      ],
      { env },
    );
    await eventually('the agent has tried', () =>
      /connected to the broker|connecting to|cannot be used/.test(agent.text.stderr),
    );
    const lines = commandLines();
    agent.child.kill('SIGTERM');
    const { stdout, stderr } = await agent.ended;
    const all = [...seen.map(({ text }) => text), stdout, stderr, lines].join('\n');
    for (const secret of [token, password]) expect(all).not.toContain(secret);
  });

  it('in a file that others may read are not used, by operator and agent alike', async () => {
    await using files = await openFiles();
    const file = files.put('open.yaml', `token: ${token}\n`, 0o644);
    const env = { KANADE_NATS_CONFIG: file };
    const failed = await answer(['fleet', 'agents'], { env });
    expect(failed).toMatchObject({ ok: false, status: 1, error: { code: 'secret_exposed' } });
    expect(failed.error?.message).toContain('chmod 600');
    const agent = await call(['agent', '--data-dir', files.path, '--socket', `${files.path}/s`, '--allow-own-user'], {
      env,
    });
    expect(agent).toMatchObject({ status: 8, stdout: '', stderr: expect.stringContaining('chmod 600') });
  });
});
