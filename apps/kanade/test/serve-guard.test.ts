/** Who may call `kanade serve`, and what a request must be before anybody looks at what it wants. */
import { chmodSync, existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createAuthority, tempDir } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jobsRoot } from './program.ts';
import { raw, type Served, served } from './served.ts';

let site: Served;
beforeAll(async () => {
  site = await served();
});
afterAll(() => site[Symbol.asyncDispose]());

const get = (path: string, ...lines: string[]): string =>
  [`GET ${path} HTTP/1.1`, 'connection: close', ...lines, '', ''].join('\r\n');
const statusOf = (received: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(received)?.[1]);
const host = (): string => `host: 127.0.0.1:${site.port}`;
const authorization = (): string => `authorization: Bearer ${site.token}`;

describe('the token', () => {
  it('is made at the first start, for its owner alone', () => {
    expect(statSync(site.tokenFile).mode & 0o777).toBe(0o600);
    expect(site.token).toMatch(/^[\w-]{43}$/);
    expect(site.text).toEqual({ stdout: '', stderr: '' });
  });

  it('is the same at the next start, and no job sees the one of the environment', async () => {
    const env = { AGENT_EXEC_SERVE_TOKEN: 'from-the-environment' };
    await using other = await served([], { env });
    expect(existsSync(other.tokenFile)).toBe(false);
    expect(await other.answer('/jobs')).toMatchObject({ status: 200, type: 'list' });
    expect(await other.answer('/jobs', { token: 'from-the-environmenT' })).toMatchObject({ status: 401 });
    const ran = await other.answer('/exec', { json: { command: ['env'], until: 60 } });
    expect(ran).toMatchObject({ ok: true, state: 'exited' });
    expect(ran.stdout).not.toContain('AGENT_EXEC_SERVE_TOKEN');
  });

  it('is asked for by whatever else the document names', async () => {
    const { paths } = (await site.answer('/openapi.json')) as unknown as { paths: Record<string, object> };
    const open = ['/health', '/openapi.json'];
    const routes = Object.entries(paths)
      .filter(([path]) => !open.includes(path))
      .flatMap(([path, operations]) => Object.keys(operations).map((method) => [method.toUpperCase(), path] as const));
    expect(routes.length).toBeGreaterThan(9);
    for (const [method, path] of routes)
      for (const token of [false, 'wrong', '', `${site.token}x`]) {
        const refused = await site.answer(path.replaceAll(/\{\w+\}/g, 'x'), { method, token });
        expect({ method, path, ...refused }).toMatchObject({ status: 401, error: { code: 'unauthorized' } });
        expect(refused.headers.get('www-authenticate')).toBe('Bearer');
      }
  });

  it('is not asked for by health and the document', async () => {
    expect(await site.answer('/health', { token: false })).toMatchObject({ status: 200, ok: true, type: 'health' });
    expect(await site.answer('/openapi.json', { token: false })).toMatchObject({ status: 200, openapi: '3.1.0' });
  });

  it('is not taken from a file that others can read, a link, or one without a token', async () => {
    await using jobs = await jobsRoot();
    const file = `${jobs.path}/token`;
    const refusal = () => jobs.answer(['serve', '--port', '0', '--token-file', file]);
    expect(await refusal()).toMatchObject({ status: 1, error: { code: 'token_unusable' } });
    writeFileSync(file, 'a-token-of-24-characters\n', { mode: 0o644 });
    expect((await refusal()).error?.message).toContain('chmod 600');
    chmodSync(file, 0o600);
    symlinkSync(file, `${jobs.path}/link`);
    const linked = await jobs.answer(['serve', '--port', '0', '--token-file', `${jobs.path}/link`]);
    expect(linked).toMatchObject({ status: 1, error: { code: 'token_unusable' } });
    writeFileSync(file, 'short');
    expect((await refusal()).error?.message).toContain('at least 16 characters');
  });

  it('of two that start at once is one', async () => {
    await using dir = await tempDir();
    const env = { XDG_DATA_HOME: dir.path };
    const both = await Promise.all([served([], { env }), served([], { env })]);
    const token = readFileSync(`${dir.path}/agent-exec/serve.token`, 'utf8').trim();
    for (const each of both) {
      expect(await each.answer('/jobs', { token })).toMatchObject({ status: 200 });
      await each[Symbol.asyncDispose]();
    }
  });
});

describe('a page of another site', () => {
  it.each([
    ['a name that leads here', 'host: evil.example'],
    ['an address of another machine', 'host: 192.0.2.1'],
    ['no host at all', 'host: a b'],
  ])('is refused by its host: %s', async (_, line) => {
    expect([400, 403]).toContain(statusOf(await raw(site.port, get('/health', line))));
  });

  it('is refused by its origin, and where a browser leaves that out, by what it says instead', async () => {
    const refused = async (...lines: string[]) =>
      statusOf(await raw(site.port, get('/jobs', host(), authorization(), ...lines)));
    expect(await refused('origin: http://evil.example')).toBe(403);
    expect(await refused('origin: null')).toBe(403);
    expect(await refused('origin: http://localhost:3000')).toBe(403);
    expect(await refused('sec-fetch-site: cross-site')).toBe(403);
    expect(await refused('sec-fetch-site: same-site')).toBe(403);
    expect(await refused('sec-fetch-site: none')).toBe(200);
    expect(await refused(`origin: http://127.0.0.1:${site.port}`)).toBe(200);
  });

  it('cannot run anything by a form or a text', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const refused = await site.answer('/exec', {
        method: 'POST',
        headers: { 'content-type': type },
        body: '{"command":["true"]}',
      });
      expect(refused).toMatchObject({ status: 415, error: { code: 'wrong_content_type' } });
    }
    expect((await site.answer('/jobs')).jobs).toEqual([]);
  });

  it('may call when its origin is the allowed one, and no other may', async () => {
    const origin = 'http://localhost:3000';
    await using open = await served(['--allow-origin', origin]);
    const asked = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
    const preflight = await open.ask('/exec', { method: 'OPTIONS', token: false, headers: { ...asked, origin } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    expect(preflight.headers.get('access-control-allow-methods')).toMatch(/GET, POST.*OPTIONS/);
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization, content-type/);
    const foreign = await open.answer('/exec', {
      method: 'OPTIONS',
      headers: { ...asked, origin: 'http://evil.example' },
    });
    expect(foreign).toMatchObject({ status: 403, error: { code: 'forbidden' } });
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
    const unauthorized = await open.answer('/jobs', { token: false, headers: { origin } });
    expect(unauthorized.status).toBe(401);
    expect(unauthorized.headers.get('access-control-allow-origin')).toBe(origin);
    expect((await site.ask('/health')).headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('where it listens', () => {
  const refusals = [
    [['--bind', '0.0.0.0:0'], 1, 'serve_unsafe_bind'],
    [['--bind', '[::]:0'], 1, 'serve_unsafe_bind'],
    [['--bind', '0.0.0.0:0', '--insecure'], 1, 'serve_unsafe_bind'],
    [['--bind', 'localhost:0'], 1, 'internal_error'],
    [['--bind', '127.0.0.1'], 1, 'internal_error'],
    [['--bind', '127.0.0.1:70000'], 1, 'internal_error'],
    [['--bind', '127.1:80'], 1, 'internal_error'],
    [['--port', '0', '--allow-origin', '*'], 1, 'invalid_config'],
    [['--port', '0', '--allow-origin', 'null'], 1, 'invalid_config'],
    [['--port', '0', '--allow-origin', 'http://a.example/x'], 1, 'invalid_config'],
  ] as const;
  it.each(refusals)('%j is refused', async (words, status, code) => {
    await using jobs = await jobsRoot();
    const { stdout, ...said } = await jobs.call(['serve', ...words]);
    expect(said.status).toBe(status);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { code } });
    if (code === 'serve_unsafe_bind') expect(said.stderr).toContain('--token-file');
  });

  it.each([
    [['--bind', '127.0.0.1:0', '--port', '0']],
    [['--port', '65536']],
    [['--tls-cert', 'x']],
    [['--insecure', '--token-file', 'x']],
    [['word']],
  ])('%j makes no sense', async (words) => {
    await using jobs = await jobsRoot();
    expect(await jobs.call(['serve', ...words])).toMatchObject({ status: 2, stdout: '' });
  });

  it('a port that is taken is named', async () => {
    await using jobs = await jobsRoot();
    const refused = await jobs.answer(['serve', '--port', String(site.port)]);
    expect(refused).toMatchObject({ status: 1, error: { code: 'listen_failed' } });
    expect(refused.error?.message).toContain(`port ${site.port}`);
  });

  it('beyond this machine with a token file and TLS, and never in plain words', async () => {
    await using dir = await tempDir();
    const authority = createAuthority();
    const { cert, key } = authority.issue();
    const file = (name: string, text: string): string => {
      writeFileSync(`${dir.path}/${name}`, text, { mode: 0o600 });
      return `${dir.path}/${name}`;
    };
    const token = 'a-token-of-24-characters';
    const tls = ['--tls-cert', file('cert', cert), '--tls-key', file('key', key)];
    await using open = await served(['--bind', '0.0.0.0:0', '--token-file', file('token', token), ...tls]);
    const ask = (headers: Record<string, string>) => {
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      const options = { port: open.port, host: '127.0.0.1', path: '/jobs', ca: authority.ca, headers };
      request(options, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
      return promise;
    };
    expect(open.url).toMatch(/^https:\/\/0\.0\.0\.0:\d+$/);
    expect(await ask({ authorization: `Bearer ${token}` })).toBe(200);
    expect(await ask({})).toBe(401);
    expect(await raw(open.port, get('/health', host()))).not.toContain('"ok":true');
  });

  it('--insecure: as 0.2.31, without a token where the environment has none', async () => {
    await using open = await served(['--insecure']);
    expect(existsSync(open.tokenFile)).toBe(false);
    expect(await open.answer('/exec', { json: { command: ['echo', 'x'], until: 60 }, token: false })).toMatchObject({
      status: 200,
      stdout: 'x\n',
    });
    const drive = await open.answer('/jobs', { token: false, headers: { origin: 'http://evil.example' } });
    expect(drive.status).toBe(403);
    await using shut = await served(['--insecure', '--bind', '0.0.0.0:0'], { env: { AGENT_EXEC_SERVE_TOKEN: 't' } });
    expect(await shut.answer('/jobs', { token: false })).toMatchObject({ status: 401 });
  });
});
