import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { openPageUnderTest, type PageUnderTest } from './page-under-test.ts';
import { type RawRequest, rawRequest } from './raw-request.ts';

const jsonType = { 'content-type': 'application/json' };

async function keyOf(page: PageUnderTest): Promise<string> {
  const body = JSON.stringify({ token: page.token });
  const answer = await rawRequest(page.port, { method: 'POST', path: '/api/session', headers: jsonType, body });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.body).key;
}

type Case = readonly [name: string, status: number, code: string, request: (port: number) => RawRequest];

const withoutSession: readonly Case[] = [
  ['no token: state', 403, 'no_session', () => ({ path: '/api/state' })],
  ['no token: jobs', 403, 'no_session', () => ({ path: '/api/jobs' })],
  ['no token: events', 403, 'no_session', () => ({ path: '/api/events' })],
  ['no token: run', 403, 'no_session', () => post('/api/runs', '{"job_id":"disk-report"}')],
  ['no token: stop', 403, 'no_session', () => post('/api/runs/run-1/stop', '{}')],
  ['no token: a path that does not exist', 403, 'no_session', () => ({ path: '/api/nothing' })],
  [
    'wrong token',
    403,
    'no_session',
    () => ({ path: '/api/state', headers: { authorization: `Bearer ${'A'.repeat(43)}` } }),
  ],
  [
    'a token that is no token',
    403,
    'no_session',
    () => ({ path: '/api/state', headers: { authorization: 'Bearer ../..' } }),
  ],
  ['exchange of a wrong token', 403, 'bad_token', () => post('/api/session', '{"token":"guess"}')],
  ['exchange of no token', 403, 'bad_token', () => post('/api/session', '{"token":7}')],
  [
    'exchange as a form',
    415,
    'wrong_content_type',
    () => post('/api/session', 'token=guess', { 'content-type': 'application/x-www-form-urlencoded' }),
  ],
];

const withSession: readonly Case[] = [
  ['rebound name', 403, 'foreign_host', (port) => ({ path: '/api/state', headers: { host: `evil.example:${port}` } })],
  [
    'rebound name on the shell',
    403,
    'foreign_host',
    (port) => ({ path: '/', headers: { host: `evil.example:${port}` } }),
  ],
  ['host without a port', 403, 'foreign_host', () => ({ path: '/', headers: { host: '127.0.0.1' } })],
  ['host of another port', 403, 'foreign_host', (port) => ({ path: '/', headers: { host: `127.0.0.1:${port + 1}` } })],
  [
    'host with our name in front',
    403,
    'foreign_host',
    (port) => ({ path: '/', headers: { host: `127.0.0.1:${port}.evil.example` } }),
  ],
  [
    'foreign origin',
    403,
    'foreign_origin',
    () => ({ path: '/api/state', headers: { origin: 'https://evil.example' } }),
  ],
  [
    'foreign origin on the shell',
    403,
    'foreign_origin',
    () => ({ path: '/', headers: { origin: 'https://evil.example' } }),
  ],
  ['origin null', 403, 'foreign_origin', () => ({ path: '/api/state', headers: { origin: 'null' } })],
  [
    'origin of another port',
    403,
    'foreign_origin',
    (port) => ({ path: '/api/state', headers: { origin: `http://127.0.0.1:${port + 1}` } }),
  ],
  [
    'origin over https',
    403,
    'foreign_origin',
    (port) => ({ path: '/api/state', headers: { origin: `https://127.0.0.1:${port}` } }),
  ],
  [
    'wrong content type',
    415,
    'wrong_content_type',
    () => post('/api/runs', '{"job_id":"disk-report"}', { 'content-type': 'text/plain' }),
  ],
  ['no content type', 415, 'wrong_content_type', () => post('/api/runs', '{"job_id":"disk-report"}', {})],
  [
    'body over the limit',
    413,
    'body_too_large',
    () => post('/api/runs', JSON.stringify({ job_id: 'x'.repeat(70_000) })),
  ],
  ['body that is no JSON', 400, 'bad_body', () => post('/api/runs', '{')],
  ['body that is no object', 400, 'bad_body', () => post('/api/runs', '["disk-report"]')],
  ['body without a job', 400, 'bad_body', () => post('/api/runs', '{"job_id":7}')],
  ['unknown job', 404, 'not_found', () => post('/api/runs', '{"job_id":"no-such-job"}')],
  ['unknown path', 404, 'not_found', () => ({ path: '/api/nothing' })],
  ['a path out of the page', 404, 'not_found', () => ({ path: '/../package.json' })],
  ['a key of every object', 404, 'not_found', () => ({ path: '/__proto__' })],
  ['run id that is no id', 404, 'not_found', () => post('/api/runs/a%2Fb/stop', '{}')],
  ['wrong method on the shell', 405, 'wrong_method', () => ({ method: 'DELETE', path: '/' })],
  ['wrong method on the API', 405, 'wrong_method', () => ({ path: '/api/runs' })],
];

function post(path: string, body: string, headers: Record<string, string> = jsonType): RawRequest {
  return { method: 'POST', path, body, headers };
}

describe('page server refuses', () => {
  it.each(withoutSession)('%s', async (_name, status, code, request) => {
    await using page = await openPageUnderTest();
    const answer = await rawRequest(page.port, request(page.port));
    expect({ status: answer.status, code: JSON.parse(answer.body).error.code }).toEqual({ status, code });
    expect(page.agent.calls).toEqual([]);
  });

  it.each(withSession)('%s', async (_name, status, code, request) => {
    await using page = await openPageUnderTest();
    const authorization = `Bearer ${await keyOf(page)}`;
    const { headers, ...rest } = request(page.port);
    const answer = await rawRequest(page.port, { ...rest, headers: { authorization, ...headers } });
    expect({ status: answer.status, code: JSON.parse(answer.body).error.code }).toEqual({ status, code });
    expect(page.agent.calls).toEqual([]);
  });

  it('the token a second time', async () => {
    await using page = await openPageUnderTest();
    await keyOf(page);
    const again = await rawRequest(page.port, post('/api/session', JSON.stringify({ token: page.token })));
    expect(again.status).toBe(403);
  });

  it('a body over the limit that does not say its length', async () => {
    await using page = await openPageUnderTest({ bodyBytesMax: 1_000 });
    const socket = connect(page.port, '127.0.0.1');
    socket.write(`POST /api/session HTTP/1.1\r\nhost: 127.0.0.1:${page.port}\r\ncontent-type: application/json\r\n`);
    socket.write(`transfer-encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2_000)}\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('a body that does not arrive, and closes the connection', async () => {
    await using page = await openPageUnderTest({ bodyMs: 100 });
    const socket = connect(page.port, '127.0.0.1');
    socket.write(`POST /api/session HTTP/1.1\r\nhost: 127.0.0.1:${page.port}\r\ncontent-type: application/json\r\n`);
    socket.write('content-length: 50\r\n\r\n{"token":');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('page server allows', () => {
  it.each(['127.0.0.1', 'localhost'])('its own page under %s', async (host) => {
    await using page = await openPageUnderTest();
    const headers = { host: `${host}:${page.port}`, origin: `http://${host}:${page.port}` };
    for (const path of ['/', '/app.js', '/app.css', '/?lang=ja']) {
      expect((await rawRequest(page.port, { path, headers })).status).toBe(200);
    }
  });

  it('a run with the key of its token', async () => {
    await using page = await openPageUnderTest();
    const authorization = `Bearer ${await keyOf(page)}`;
    const answer = await rawRequest(
      page.port,
      post('/api/runs', '{"job_id":"disk-report"}', { ...jsonType, authorization }),
    );
    expect(JSON.parse(answer.body)).toEqual({ run_id: 'run-1' });
    expect(page.agent.calls).toEqual(['execute disk-report']);
  });

  it('nothing to be cached, framed, sniffed or loaded from elsewhere', async () => {
    await using page = await openPageUnderTest();
    const { headers } = await rawRequest(page.port, { path: '/' });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
  });
});
