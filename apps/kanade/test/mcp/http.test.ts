/** `kanade mcp --http`: clients of both eras, the program of conformance, and who is not let in. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { eventually } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobsRoot, start } from '../program.ts';
import { connect, eras, opening } from './clients.ts';

type Jobs = { path: string; root: string };

async function listen(jobs: Jobs, more: readonly string[] = []) {
  const file = `${jobs.path}/address`;
  const env = { AGENT_EXEC_ROOT: jobs.root, HOME: jobs.path, XDG_DATA_HOME: jobs.path };
  const server = start(['mcp', '--http', '--port', '0', '--address-file', file, ...more], { cwd: jobs.path, env });
  await eventually('the address', () => existsSync(file) || server.child.exitCode !== null);
  const tokenFile = `${jobs.path}/agent-exec/serve.token`;
  return {
    url: `${readFileSync(file, 'utf8').trim()}/mcp`,
    token: existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8').trim() : '',
    async [Symbol.asyncDispose]() {
      server.child.kill('SIGTERM');
      expect(await server.ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
    },
  };
}

describe.each(eras)('a client of %s', (era) => {
  it('runs, waits for and reads a job', async () => {
    await using jobs = await jobsRoot();
    await using over = await listen(jobs);
    await using mcp = await connect(era, jobs, { over });
    const ran = await mcp.call('run', { command: ['echo', 'x'] });
    expect(ran).toMatchObject({ type: 'run', state: 'exited', stdout: 'x\n' });
    const told: object[] = [];
    const { job_id: id } = await mcp.call('run', { command: ['sleep', '60'], until: 0 });
    const waiting = mcp.call('wait', { job_id: id, until: 40 }, { onprogress: (at: object) => told.push(at) });
    await eventually('progress', () => told.length > 0);
    await mcp.call('kill', { job_id: id });
    expect(await waiting).toMatchObject({ type: 'wait', state: 'killed' });
    const { contents } = await mcp.client.readResource({ uri: `kanade://job/${ran.job_id}/stdout` });
    expect(contents).toMatchObject([{ text: 'x\n' }]);
  });
});

it('tells a client of 2026-07-28 when a log grows', async () => {
  await using jobs = await jobsRoot();
  const go = `${jobs.path}/go`;
  const { job_id: id } = await jobs.answer([
    'run',
    '--until',
    '0',
    '--',
    `while ! test -e ${go}; do sleep 0.05; done; echo x`,
  ]);
  await using over = await listen(jobs);
  const updated: string[] = [];
  await using mcp = await connect('2026-07-28', jobs, { over, onUpdated: (uri) => updated.push(uri) });
  await mcp.follow(`kanade://job/${id}/stdout`);
  await jobs.answer(['run', '--', 'touch', go]);
  await eventually('news of the log', () => updated.includes(`kanade://job/${id}/stdout`));
});

it('lets in who has the token, from here, with a message of at most 1 MiB', async () => {
  await using jobs = await jobsRoot();
  await using server = await listen(jobs);
  const [initialize] = opening;
  const ask = async (headers: Record<string, string>, body: string, path = '/mcp'): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const all = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers };
    const sent = request(new URL(path, server.url), { method: 'POST', headers: all }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(`${response.statusCode} ${/"code":("?[\w-]+)/.exec(text)?.[1] ?? 'ok'}`));
    });
    sent.on('error', reject).end(body);
    return promise;
  };
  const authorization = `Bearer ${server.token}`;
  const body = JSON.stringify(initialize);
  expect(await ask({ authorization }, body)).toBe('200 ok');
  expect(await ask({}, body)).toBe('401 "unauthorized');
  expect(await ask({ authorization: 'Bearer x' }, body)).toBe('401 "unauthorized');
  expect(await ask({ authorization, host: 'evil.example' }, body)).toBe('403 "forbidden');
  expect(await ask({ authorization, origin: 'https://evil.example' }, body)).toBe('403 "forbidden');
  expect(await ask({ authorization, 'content-type': 'text/plain' }, body)).toBe('415 "wrong_content_type');
  expect(await ask({ authorization }, body, '/')).toBe('404 "unknown_route');
  expect(await ask({ authorization }, 'nonsense')).toBe('400 -32700');
  expect(await ask({ authorization }, `"${'x'.repeat(1024 * 1024)}"`)).toBe('413 "body_too_large');
});

/** What the program of conformance asks of a server of its own: tools, prompts, logs and sessions that a server of jobs has not. */
const ofItsOwnServer = `
  - logging-set-level
  - completion-complete
  - tools-call-simple-text
  - tools-call-image
  - tools-call-audio
  - tools-call-embedded-resource
  - tools-call-mixed-content
  - tools-call-with-logging
  - tools-call-error
  - tools-call-with-progress
  - tools-call-sampling
  - tools-call-elicitation
  - elicitation-sep1034-defaults
  - elicitation-sep1330-enums
  - server-sse-multiple-streams
  - resources-read-text
  - resources-read-binary
  - resources-templates-read
  - resources-subscribe
  - resources-unsubscribe
  - prompts-list
  - prompts-get-simple
  - prompts-get-with-args
  - prompts-get-embedded-resource
  - prompts-get-with-image
`;

it('passes what the official program of conformance can ask of it', async () => {
  await using jobs = await jobsRoot();
  await using server = await listen(jobs, ['--insecure']);
  const expected = `${jobs.path}/expected.yaml`;
  writeFileSync(expected, `server:${ofItsOwnServer}`);
  const program = createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/dist/index.js');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, 'server', '--url', server.url, '--expected-failures', expected, '--output-dir', `${jobs.path}/results`],
    { cwd: jobs.path },
  ).catch((error: Error & { stdout: string }) => {
    throw new Error(error.stdout);
  });
  for (const scenario of ['server-initialize', 'ping', 'tools-list', 'resources-list', 'dns-rebinding-protection'])
    expect(stdout).toMatch(new RegExp(`✓ ${scenario}`));
});
