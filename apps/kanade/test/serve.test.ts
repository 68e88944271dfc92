/** `kanade serve` from the outside: every route of the contract, and what becomes of requests that are none. */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually } from '@kanade/testkit';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from './program.ts';
import { type Ask, raw, type Served, served } from './served.ts';

let site: Served;
beforeAll(async () => {
  site = await served();
});
afterAll(() => site[Symbol.asyncDispose]());

const exec = (json: object) => site.answer('/exec', { json });
const ended = async (...command: string[]): Promise<string> => String((await exec({ command, until: 120 })).job_id);
const running = async (at: Served = site): Promise<string> =>
  String((await at.answer('/exec', { json: { command: ['sleep', '600'], wait: false } })).job_id);
const headFor = (at: Served, line: string, ...more: string[]): string =>
  [line, 'host: localhost', `authorization: Bearer ${at.token}`, ...more, '', ''].join('\r\n');
const head = (line: string, ...more: string[]): string => headFor(site, line, ...more);

/** True while the program watches a file or directory for changes. */
const isWatched = (pid: number): boolean =>
  readdirSync(`/proc/${pid}/fdinfo`).some((fd) => {
    try {
      return readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8').includes('inotify wd:');
    } catch {
      return false; // closed meanwhile
    }
  });

it('the document is OpenAPI', async () => {
  const document = await (await site.ask('/openapi.json')).text();
  const { valid, errors } = await new Validator().validate(document);
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
});

describe('POST /exec', () => {
  it('answers as run does', async () => {
    const answer = await exec({ command: ['echo out; echo err >&2; exit 3'], until: 120 });
    const { job_id, finished_at, elapsed_ms, waited_ms, duration_ms, headers, cursor, ...rest } = answer;
    expect(job_id).toMatch(/^[0-9a-f]{32}$/);
    expect(finished_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    for (const ms of [elapsed_ms, waited_ms, duration_ms]) expect(ms).toEqual(expect.any(Number));
    expect(await site.answer(`/tail/${job_id}?cursor=${cursor}`)).toMatchObject({
      stdout: '',
      events: [],
      ended: true,
    });
    expect(rest).toEqual({
      status: 200,
      schema_version: '0.1',
      ok: true,
      type: 'run',
      state: 'exited',
      tags: [],
      stdout_log_path: `${site.jobs.root}/${job_id}/stdout.log`,
      stderr_log_path: `${site.jobs.root}/${job_id}/stderr.log`,
      stdout: 'out\n',
      stderr: 'err\n',
      encoding: 'utf-8-lossy',
      stdout_range: [0, 4],
      stderr_range: [0, 4],
      stdout_total_bytes: 4,
      stderr_total_bytes: 4,
      exit_code: 3,
      ending: 'exited',
    });
  });

  it('takes everything of the contract, and input and tags', async () => {
    const answer = await exec({
      command: ['sh', '-c', 'pwd; echo "$A"; cat'],
      cwd: '/',
      env: { A: 'a secret value' },
      timeout: 100.5,
      wait: true,
      until: 120,
      max_bytes: 4,
      stdin: 'input',
      tags: ['build.web', 'build.web'],
    });
    expect(answer).toMatchObject({ state: 'exited', stdout: '/\na ', stdout_range: [0, 4], stdout_total_bytes: 22 });
    expect(answer).toMatchObject({ tags: ['build.web'] });
    expect(answer).not.toHaveProperty('env_vars');
    const meta = readFileSync(`${site.jobs.root}/${answer.job_id}/meta.json`, 'utf8');
    expect(JSON.parse(meta)).toMatchObject({ timeout_ms: 100_500, env_keys: ['A'] });
    expect(meta).not.toContain('a secret value');
  });

  it('does not wait when it is not to, and stops what takes too long', async () => {
    expect(await exec({ command: ['sleep', '600'], wait: false })).toMatchObject({ state: 'running', waited_ms: 0 });
    expect(await exec({ command: ['sleep', '600'], until: 0 })).toMatchObject({ state: 'running', waited_ms: 0 });
    const late = await exec({ command: ['sleep', '600'], timeout: 0.1, until: 120 });
    expect(late).toMatchObject({ state: 'killed', ending: 'timed_out' });
  });

  it('puts a job into line', async () => {
    const first = await exec({ command: ['until [ -e go ]; do sleep 0.01; done'], cwd: site.jobs.path, wait: false });
    const after = [String(first.job_id).slice(0, 12)];
    const second = await exec({ command: ['echo', 'second'], queue: 'q', after, until: 0 });
    expect(second).toMatchObject({ state: 'created', queue: 'q', waits_for: [first.job_id], stdout: '' });
    const third = await exec({ command: ['true'], after_any: [second.job_id], until: 0 });
    expect(third).toMatchObject({ state: 'created', after: [{ job_id: second.job_id, on: 'any' }] });
    writeFileSync(`${site.jobs.path}/go`, '');
    expect(await site.answer(`/wait/${third.job_id}`)).toMatchObject({ state: 'exited' });
    const rest = await site.answer(`/tail/${second.job_id}?cursor=${second.cursor}`);
    expect(rest).toMatchObject({ stdout: 'second\n', ended: true });
    expect(await exec({ command: ['true'], after: ['nobody'] })).toMatchObject({ status: 404 });
    expect(await exec({ command: ['true'], queue: 'a b' })).toMatchObject({ status: 400 });
  });

  it('a job that cannot start is an answer', async () => {
    expect(await exec({ command: ['true'], cwd: '/nowhere/at/all' })).toMatchObject({ status: 200, state: 'failed' });
  });

  it.each<[string, unknown]>([
    ['no command', {}],
    ['an empty command', { command: [] }],
    ['a command that is text', { command: 'true' }],
    ['words that are numbers', { command: ['sleep', 1] }],
    ['timeout_ms', { command: ['true'], timeout_ms: 5 }],
    ['an unknown key', { command: ['true'], whatever: 1 }],
    ['a negative timeout', { command: ['true'], timeout: -1 }],
    ['half a second of until', { command: ['true'], until: 0.5 }],
    ['env that is a list', { command: ['true'], env: ['A=1'] }],
    ['a name with =', { command: ['true'], env: { 'A=B': '1' } }],
    ['a NUL in a word', { command: ['a\0b'] }],
    ['a NUL in a value', { command: ['true'], env: { A: '\0' } }],
    ['a tag that is none', { command: ['true'], tags: ['a b'] }],
    ['a list', ['true']],
    ['null', null],
  ])('refuses %s', async (_, json) => {
    const before = (await site.answer('/jobs?limit=0')).jobs as unknown[];
    const refused = await site.answer('/exec', { json });
    expect(refused).toMatchObject({ status: 400, ok: false, type: 'error', error: { retryable: false } });
    expect(['invalid_request', 'invalid_input', 'invalid_tag']).toContain(refused.error?.code);
    expect((await site.answer('/jobs?limit=0')).jobs).toHaveLength(before.length);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"command":'],
    ['levels without end', `${'['.repeat(5_000)}${']'.repeat(5_000)}`],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
  ])('refuses a body that is %s', async (_, body) => {
    const init: Ask = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
    expect(await site.answer('/exec', init)).toMatchObject({ status: 400, error: { code: 'invalid_request' } });
  });

  it('refuses a body beyond its limit, whether or not it says how large it is', async () => {
    const json = { command: ['true'], stdin: 'x'.repeat(1024 * 1024) };
    expect(await site.answer('/exec', { json })).toMatchObject({ status: 413, error: { code: 'body_too_large' } });
    const lines = ['content-type: application/json', 'content-length: 1073741824', 'expect: 100-continue'];
    const announced = await raw(site.port, head('POST /exec HTTP/1.1', ...lines));
    expect(announced).toMatch(/^HTTP\/1\.1 413 /);
    const chunked = head('POST /exec HTTP/1.1', 'content-type: application/json', 'transfer-encoding: chunked');
    const megabyte = `100000\r\n${'x'.repeat(0x100000)}\r\n`;
    expect(await raw(site.port, `${chunked}${megabyte.repeat(64)}0\r\n\r\n`)).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('a job that has ended', () => {
  let id: string;
  beforeAll(async () => {
    id = await ended('for i in 1 2 3; do echo line $i; done; echo err >&2');
  });

  it('GET /status', async () => {
    const answer = await site.answer(`/status/${id}`);
    expect(answer).toMatchObject({ status: 200, type: 'status', job_id: id, state: 'exited', exit_code: 0 });
    expect(answer).toHaveProperty('created_at');
  });

  it('GET /tail', async () => {
    const answer = await site.answer(`/tail/${id}`);
    expect(answer).toMatchObject({
      status: 200,
      type: 'tail',
      stdout: 'line 1\nline 2\nline 3\n',
      stdout_range: [0, 21],
    });
    expect(answer).not.toHaveProperty('state');
    expect(await site.answer(`/tail/${id}?lines=1`)).toMatchObject({ stdout: 'line 3\n', stdout_range: [14, 21] });
  });

  it('GET /wait', async () => {
    expect(await site.answer(`/wait/${id}`)).toMatchObject({
      status: 200,
      type: 'wait',
      state: 'exited',
      exit_code: 0,
    });
  });

  it('POST /kill says how it ended', async () => {
    const kill = await site.answer(`/kill/${id}`, { method: 'POST', body: 'ignored' });
    expect(kill).toMatchObject({ status: 200, type: 'kill', signal: 'TERM', state: 'exited', observed_within_ms: 0 });
  });

  it('PUT /tags, GET /jobs, DELETE /jobs', async () => {
    const tags = await site.answer(`/tags/${id}`, { method: 'PUT', json: { tags: ['deploy.blue'] } });
    expect(tags).toMatchObject({ status: 200, type: 'tag_set', tags: ['deploy.blue'] });
    const list = await site.answer('/jobs?tag=deploy.*&state=exited&limit=5');
    expect(list.jobs).toMatchObject([{ job_id: id, short_job_id: id.slice(0, 7), tags: ['deploy.blue'] }]);
    const dry = await site.answer(`/jobs/${id}?dry_run=true`, { method: 'DELETE' });
    expect(dry).toMatchObject({ status: 200, type: 'delete', jobs: [{ job_id: id, action: 'would_delete' }] });
    expect(await site.answer(`/jobs/${id}`, { method: 'DELETE' })).toMatchObject({ deleted: 1 });
    expect(await site.answer(`/status/${id}`)).toMatchObject({ status: 404, error: { code: 'job_not_found' } });
  });
});

describe('a job that runs', () => {
  it('is waited for, stopped, and not deleted before', async () => {
    const id = await running();
    expect(await site.answer(`/wait/${id}?until=0`)).toMatchObject({ status: 200, state: 'running' });
    const early = await site.answer(`/jobs/${id}`, { method: 'DELETE' });
    expect(early).toMatchObject({ status: 400, error: { code: 'invalid_state' } });
    const waits = [site.answer(`/wait/${id}`), site.answer(`/wait/${id.slice(0, 12)}`)];
    const kill = await site.answer(`/kill/${id}`, { method: 'POST' });
    expect(kill).toMatchObject({ status: 200, state: 'killed', terminated_signal: 'SIGTERM' });
    for (const answer of await Promise.all(waits)) expect(answer).toMatchObject({ job_id: id, state: 'killed' });
  });

  it('POST /kill?no_wait=true says the signal alone, ?signal= sends that one', async () => {
    const id = await running();
    const { headers: _, ...kill } = await site.answer(`/kill/${id}?no_wait=true&signal=KILL`, { method: 'POST' });
    expect(kill).toEqual({ status: 200, schema_version: '0.1', ok: true, type: 'kill', job_id: id, signal: 'KILL' });
    expect(await site.answer(`/wait/${id}`)).toMatchObject({ state: 'killed' });
    const bad = await site.answer(`/kill/${id}?signal=NONE`, { method: 'POST' });
    expect(bad).toMatchObject({ status: 400, error: { code: 'invalid_request' } });
  });
});

describe('GET /log', () => {
  it('gives bytes as they are, and ranges of them', async () => {
    const id = await ended('printf "\\377\\000abc"');
    const part = async (range?: string, more: Record<string, string> = {}) => {
      const response = await site.ask(`/log/${id}/stdout`, { headers: { ...(range ? { range } : {}), ...more } });
      const bytes = Buffer.from(await response.arrayBuffer()).toString('latin1');
      return [response.status, response.headers.get('content-range'), bytes];
    };
    expect(await part()).toEqual([200, null, '\xff\0abc']);
    expect(await part('bytes=2-3')).toEqual([206, 'bytes 2-3/5', 'ab']);
    expect(await part('bytes=3-')).toEqual([206, 'bytes 3-4/5', 'bc']);
    expect(await part('bytes=-2')).toEqual([206, 'bytes 3-4/5', 'bc']);
    expect(await part('bytes=0-999')).toEqual([206, 'bytes 0-4/5', '\xff\0abc']);
    expect((await part('bytes=5-')).slice(0, 2)).toEqual([416, 'bytes */5']);
    expect(await part('bytes=0-0,2-2')).toEqual([200, null, '\xff\0abc']);
    expect(await part('lines=1-2')).toEqual([200, null, '\xff\0abc']);
    expect(await part('bytes=0-0', { 'if-range': '"x"' })).toEqual([200, null, '\xff\0abc']);
    expect(await site.answer(`/log/${id}/stdin`)).toMatchObject({ status: 404, error: { code: 'unknown_route' } });
  });

  it('a large one goes to a slow client piece by piece', async () => {
    const id = await ended('head -c 50000000 /dev/zero');
    const resident = (): number =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${site.pid}/status`, 'utf8'))?.[1]) * 1024;
    const before = resident();
    const socket = connect(site.port, '127.0.0.1', () => socket.write(head(`GET /log/${id}/stdout HTTP/1.1`)));
    await new Promise((resolve) => socket.once('readable', resolve));
    expect(resident() - before).toBeLessThan(40_000_000);
    let bytes = 0;
    await new Promise<void>((resolve) => {
      socket.on('data', (chunk) => {
        bytes += chunk.length;
        if (bytes > 50_000_000) resolve();
      });
    });
    socket.destroy();
  });
});

describe('GET /events', () => {
  interface Event {
    readonly id: string;
    readonly event: string;
    readonly data: Json & { stdout: string; stderr: string };
  }

  /** Events until the stream ends, or until `most` have come: then its client leaves. */
  async function events(path: string, headers: Record<string, string> = {}, most = Number.POSITIVE_INFINITY) {
    const gone = new AbortController();
    const response = await site.ask(path, { headers, signal: gone.signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const found: Event[] = [];
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf('\n\n'); end >= 0 && found.length < most; end = text.indexOf('\n\n')) {
        const fields = [...text.slice(0, end).matchAll(/^(\w+): (.*)$/gm)].map(([, name, value]) => [name, value]);
        const { id, event, data } = Object.fromEntries(fields) as Record<string, string>;
        if (id && event && data) found.push({ id, event, data: JSON.parse(data) });
        text = text.slice(end + 2);
      }
      if (found.length >= most) break;
    }
    gone.abort();
    return found;
  }

  it('tells what is printed and how it ended, and who comes back with the last id loses and repeats nothing', async () => {
    const script =
      'i=0; while [ $i -lt 40 ]; do echo "line $i"; echo "err $i" >&2; i=$((i+1)); sleep 0.01; done; exit 4';
    const id = String((await exec({ command: [script], wait: false })).job_id);
    const told: Event[] = [];
    while (told.at(-1)?.event !== 'end') {
      const last = told.at(-1)?.id;
      told.push(...(await events(`/events/${id}`, last === undefined ? {} : { 'last-event-id': last }, 1)));
    }
    const lines = Array.from({ length: 40 }, (_, at) => at);
    expect(told.map(({ data }) => data.stdout).join('')).toBe(lines.map((at) => `line ${at}\n`).join(''));
    expect(told.map(({ data }) => data.stderr).join('')).toBe(lines.map((at) => `err ${at}\n`).join(''));
    const end = told.at(-1);
    expect(end?.data).toMatchObject({ job_id: id, state: 'exited', exit_code: 4, ended: true });
    const again = await site.ask(`/events/${id}`, { headers: { 'last-event-id': String(end?.id) } });
    expect(again.status).toBe(204);
    const whole = await events(`/events/${id}`);
    expect(whole.map(({ data }) => data.stdout).join('')).toBe(told.map(({ data }) => data.stdout).join(''));
    expect((await events(`/events/${id}?lines=1`))[0]?.data.stdout).toBe('line 39\n');
    const tail = await site.answer(`/tail/${id}?cursor=${whole.at(-1)?.id}`);
    expect(tail).toMatchObject({ status: 200, stdout: '', ended: true });
  });

  it('a client that does not read holds nothing up, and a large log comes in parts', async () => {
    const id = await ended('head -c 3000000 /dev/zero | tr "\\0" x');
    const socket = connect(site.port, '127.0.0.1', () => socket.write(head(`GET /events/${id} HTTP/1.1`)));
    await new Promise((resolve) => socket.once('readable', resolve));
    const read = await events(`/events/${id}`);
    expect(read.map(({ data }) => data.stdout.length).reduce((sum, length) => sum + length, 0)).toBe(3_000_000);
    expect(read.length).toBeGreaterThan(40);
    socket.destroy();
  });

  it.each(['cursor=x', 'cursor=', 'lines=x'])('refuses ?%s', async (query) => {
    const id = await ended('true');
    const code = query.startsWith('cursor') ? 'invalid_cursor' : 'invalid_request';
    expect(await site.answer(`/events/${id}?${query}`)).toMatchObject({ status: 400, error: { code } });
  });
});

it('GET /wait?match= answers when a line says so, and goes on from its cursor', async () => {
  const { job_id: id } = await exec({ command: ['echo one; echo two 2; sleep 600'], wait: false });
  const first = await site.answer(`/wait/${id}?match=one`);
  expect(first).toMatchObject({ status: 200, state: 'running', matched: { stream: 'stdout', line: 'one', offset: 0 } });
  const query = new URLSearchParams({ match: '^two \\d$', match_type: 'regex', cursor: String(first.cursor) });
  expect(await site.answer(`/wait/${id}?${query}`)).toMatchObject({ matched: { line: 'two 2', offset: 4 } });
  const bad = await site.answer(`/wait/${id}?match=(&match_type=regex`);
  expect(bad).toMatchObject({ status: 400, error: { code: 'invalid_pattern' } });
  await site.answer(`/kill/${id}`, { method: 'POST' });
});

describe('what is no request', () => {
  it.each([
    '/status/..%2F..%2Fetc',
    '/status/..',
    '/status/%2e%2e',
    '/status/%00',
    '/status/a%00b',
    '/status/%ff',
    '/status/%',
    '/status/',
    '/status/.host',
    '/status/nothing-of-this-name',
    `/status/${'a'.repeat(4_000)}`,
    '/tail/..%2F',
    '/wait/%2Ftmp',
    '/log/..%2F..%2Fetc/stdout',
  ])('%s names no job', async (path) => {
    const received = await raw(site.port, head(`GET ${path} HTTP/1.1`, 'connection: close'));
    expect(received).toMatch(/^HTTP\/1\.1 404 /);
    expect(received).toContain('"job_not_found"');
  });

  it('an id that several jobs begin with is told apart by the caller', async () => {
    for (const id of ['twin-a', 'twin-b']) mkdirSync(`${site.jobs.root}/${id}`, { recursive: true });
    const answer = await site.answer('/status/twin');
    expect(answer).toMatchObject({ status: 400, error: { code: 'ambiguous_job_id' } });
    expect(answer.error?.details).toEqual({ candidates: ['twin-a', 'twin-b'], truncated: false });
  });

  it.each<[string, string, number, string]>([
    ['POST', '/health', 405, 'GET'],
    ['GET', '/exec', 405, 'POST'],
    ['DELETE', '/kill/x', 405, 'POST'],
    ['PATCH', '/jobs/x', 405, 'DELETE'],
    ['OPTIONS', '/exec', 405, 'POST'],
    ['GET', '/', 404, ''],
    ['GET', '/health/', 404, ''],
    ['GET', '/status/a/b', 404, ''],
    ['GET', '//status/x', 404, ''],
    ['GET', '/HEALTH', 404, ''],
  ])('%s %s is answered with %i', async (method, path, status, allow) => {
    const answer = await site.answer(path, { method });
    expect(answer).toMatchObject({ status, ok: false, error: { retryable: false } });
    expect(answer.headers.get('allow') ?? '').toBe(allow);
  });

  it.each(['?x=1', '?lines=-1', '?lines=x', '?lines=1&lines=2', '?__proto__=1', '?lines=1e3'])(
    'a query that is none is refused: %s',
    async (query) => {
      const answer = await site.answer(`/tail/x${query}`);
      expect(answer).toMatchObject({ status: 400, error: { code: 'invalid_request' } });
    },
  );

  it.each([
    ['a request line that is none', 'GARBAGE\r\n\r\n'],
    ['a proxy request', 'GET http://a.example/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'],
    ['two hosts', 'GET /health HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n'],
    [
      'two lengths',
      'POST /exec HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
  ])('%s is refused', async (_, text) => {
    expect(await raw(site.port, text)).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('a head without end is refused', async () => {
    const text = `GET /health HTTP/1.1\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`;
    expect(await raw(site.port, text)).toMatch(/^HTTP\/1\.1 4(00|31) /);
  });
});

describe('many at once', () => {
  /** Connections of the server, and what it listens on. */
  const socketsOf = (pid: number): number => {
    const dir = `/proc/${pid}/fd`;
    return readdirSync(dir).filter((fd) => {
      try {
        return readlinkSync(`${dir}/${fd}`).startsWith('socket:');
      } catch {
        return false; // closed meanwhile
      }
    }).length;
  };

  it('1,000 calls are each answered', async () => {
    const id = await ended('echo x');
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, at) => site.ask(at % 2 === 0 ? '/health' : `/status/${id}`)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  });

  it('requests behind one another on one connection are answered in their order', async () => {
    const asked = ['GET /health', 'GET /nothing', 'GET /health'].map((line) => head(`${line} HTTP/1.1`)).join('');
    const isAll = (received: string) => received.split('HTTP/1.1 ').length > 3 && received.endsWith('}\n');
    const received = await raw(site.port, asked, isAll);
    expect([...received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '404', '200']);
  });

  it('300 waits are told of one end, and those whose clients leave are gone at once', async () => {
    // A server of its own: connections that calls before this one have left open would end in the middle of the count.
    await using fresh = await served();
    const id = await running(fresh);
    const sockets = () => socketsOf(fresh.pid);
    const before = sockets();
    const text = headFor(fresh, `GET /wait/${id} HTTP/1.1`, 'connection: close');
    const told = Array.from({ length: 300 }, () => raw(fresh.port, text));
    const leaving = Array.from({ length: 300 }, () => connect(fresh.port, '127.0.0.1'));
    for (const socket of leaving) socket.write(headFor(fresh, `GET /wait/${id} HTTP/1.1`).repeat(2));
    await eventually('all are there', () => sockets() >= before + 600);
    for (const socket of leaving) socket.destroy();
    await eventually('half of them have left', () => sockets() < before + 400);
    await fresh.answer(`/kill/${id}`, { method: 'POST' });
    for (const received of await Promise.all(told)) expect(received).toContain('"state":"killed"');
    await eventually('all have left', () => sockets() < before + 20);
  });

  it('a job outlives the client that started it', async () => {
    const gone = new AbortController();
    const tag = 'left.alone';
    const asked = site.ask('/exec', {
      json: { command: ['sleep', '600'], until: 600, tags: [tag] },
      signal: gone.signal,
    });
    const job = await eventually('it runs', async () => {
      const { jobs } = await site.answer(`/jobs?tag=${tag}&state=running`);
      return (jobs as { job_id: string }[])[0];
    });
    gone.abort();
    await expect(asked).rejects.toThrow();
    expect(await site.answer(`/status/${job.job_id}`)).toMatchObject({ state: 'running' });
    await site.answer(`/kill/${job.job_id}`, { method: 'POST' });
  });
});

it('asked to end, it tells those who wait, ends well, and leaves the jobs alone', async () => {
  await using other = await served();
  const { job_id: id } = await other.answer('/exec', { json: { command: ['sleep', '600'], wait: false } });
  const waiting = other.answer(`/wait/${id}`);
  await eventually('it waits', () => isWatched(other.pid));
  other.child.kill('SIGTERM');
  expect(await waiting).toMatchObject({ status: 503, error: { code: 'interrupted', retryable: true } });
  expect(await other.ended).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(existsSync(`${other.jobs.path}/serve.url`)).toBe(false);
  expect(await other.jobs.answer(['status', String(id)])).toMatchObject({ state: 'running' });
});
