/** The person at the machine, and what an operator says to people: one broker, one agent, two doors. */
import { writeFileSync } from 'node:fs';
import { eventually, newestNatsServer, startNatsServer, tempDir } from '@kanade/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAgent } from './agent.ts';
import { answer, type Json } from './program.ts';
import { openPlainPerson } from './trust/plain-person.ts';

interface Site extends AsyncDisposable {
  readonly dir: string;
  readonly socket: string;
  fleet(...args: string[]): Promise<Json & { status: number | null }>;
  /** The same with something on standard input. */
  tell(input: string, ...args: string[]): Promise<Json & { status: number | null }>;
}

async function openSite(): Promise<Site> {
  const closing = new AsyncDisposableStack();
  const { path: dir } = closing.use(await tempDir());
  const broker = closing.use(await startNatsServer(await newestNatsServer()));
  const env = { KANADE_NATS_URL: broker.url };
  const fleet: Site['fleet'] = (...args) => answer(['fleet', ...args], { env });
  const tell: Site['tell'] = (input, ...args) => answer(['fleet', ...args], { env, input });
  await fleet('setup');
  const { socket } = closing.use(await startAgent({ args: ['--server', broker.url] }));
  await eventually('pc-1 answers', async () => (await fleet('ping', 'pc-1')).ok === true);
  return { dir, socket, fleet, tell, [Symbol.asyncDispose]: () => closing.disposeAsync() };
}

describe('an operator and the person at the machine', () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site[Symbol.asyncDispose]());

  /** Puts a job for people into the catalogue, with more lines for its block. */
  async function put(id: string, script: string, more: readonly string[] = []): Promise<void> {
    const lines = [
      `id: ${id}`,
      'version: 1.0.0',
      'execute:',
      '  shell: sh',
      '  timeout: 1m',
      `  script: ${JSON.stringify(script)}`,
      'client:',
      `  name: ${id}`,
      '  category: tests',
      ...more.map((line) => `  ${line}`),
    ];
    writeFileSync(`${site.dir}/${id}.yaml`, `${lines.join('\n')}\n`);
    expect(await site.fleet('job', 'put', `${site.dir}/${id}.yaml`)).toMatchObject({ status: 0 });
  }

  it('kill stops the run of a person, and says what became of it', async () => {
    await put('held', 'echo begun; exec sleep 50');
    await using person = await openPlainPerson(site.socket);
    const runId = await eventually('the job to be there', () => person.start('held').catch(() => undefined));
    await eventually('its output', () => person.pushes(runId).some(({ stdout_chunk }) => stdout_chunk === 'begun\n'));
    // Nobody needs to guess which it is: it stands among those that go on, with the person whose it is.
    const seen = await eventually('the operator to see it', async () => {
      const { running } = await site.fleet('results', '--ending', 'running', '--pc', 'pc-1');
      return (running as Json[]).find(({ result_id }) => result_id === runId);
    });
    expect(seen).toMatchObject({ job_id: 'held', pc_id: 'pc-1', user_sid: `uid-${process.getuid?.()}` });
    expect(seen).not.toHaveProperty('exec_id');
    expect(await site.fleet('show', runId)).toMatchObject({ status: 0, state: 'running', job_id: 'held' });
    // Without its machine nobody knows of it; with another machine it is not there.
    expect(await site.fleet('kill', runId, '--pc', 'pc-9')).toMatchObject({
      status: 1,
      error: { code: 'machine_away', retryable: true },
    });
    const killed = await site.fleet('kill', runId, '--pc', 'pc-1');
    expect(killed).toMatchObject({ status: 0, stopped: [{ pc_id: 'pc-1', ending: 'killed', result_id: runId }] });
    expect(await person.end(runId)).toMatchObject({ status: 'killed' });
    expect(await site.fleet('kill', runId, '--pc', 'pc-1')).toMatchObject({ status: 0, stopped: [], ended_before: 1 });
    expect(await site.fleet('results', '--ending', 'running')).toMatchObject({ running: [] });
    expect(await site.fleet('kill', 'no-such-run', '--pc', 'pc-1')).toMatchObject({
      status: 1,
      error: { code: 'order_not_found' },
    });
  });

  it('a support code opens the jobs of its scope for the one who enters it', async () => {
    await put('deep', 'echo repaired', ['unlock: helpdesk']);
    expect(await site.tell('short\n', 'support-code', 'set', 'helpdesk')).toMatchObject({
      status: 1,
      error: { code: 'code_too_short' },
    });
    expect(await site.tell('blue-horse-7\nmore\n', 'support-code', 'set', 'helpdesk', '--ttl', '30')).toMatchObject({
      status: 0,
      scope: 'helpdesk',
      ttl_minutes: 30,
      replaced: false,
    });
    const listed = await site.fleet('support-code', 'list');
    expect(listed).toMatchObject({ codes: [{ scope: 'helpdesk', ttl_minutes: 30, disabled: false }] });
    expect(JSON.stringify(listed)).not.toMatch(/horse|argon/);
    // What the machine hears comes in order: with the answer to a ping it has the code.
    expect(await site.fleet('ping', 'pc-1')).toMatchObject({ status: 0 });
    await using person = await openPlainPerson(site.socket);
    const offered = async () => JSON.stringify((await person.call('jobs.list')).items).includes('"deep"');
    expect(await offered()).toBe(false);
    expect((await person.ask('support.unlock', { code: 'red-horse-7' })).error?.data?.kind).toBe('Unauthorized');
    const opened = await person.call('support.unlock', { code: 'blue-horse-7' });
    expect(opened.grants).toMatchObject([{ scope: 'helpdesk' }]);
    expect(await offered()).toBe(true);
    expect(await person.end(await person.start('deep'))).toMatchObject({ status: 'completed' });
    expect(await person.call('support.lock')).toEqual({ released: 1 });
    expect(await offered()).toBe(false);
    expect((await person.ask('jobs.execute', { id: 'deep' })).error?.data?.kind).toBe('Unauthorized');
    await eventually('the operator to see it', async () => {
      const { records } = await site.fleet('events', '--kind', 'support_unlock');
      return JSON.stringify(records).includes('agent:support');
    });
    expect(await site.fleet('support-code', 'remove', 'helpdesk')).toMatchObject({ removed: true });
    expect(await site.fleet('support-code', 'remove', 'helpdesk')).toMatchObject({ removed: false });
  });

  it('what an operator tells people arrives, is confirmed, changed and recalled, and the operator sees who has read it', async () => {
    const sent = await site.fleet(
      'notify',
      'send',
      '--title',
      'At six',
      '--body',
      '*Save*',
      '--pc',
      'pc-1',
      '--require-ack',
    );
    expect(sent).toMatchObject({ status: 0, notification: { priority: 'info', require_ack: true, title: 'At six' } });
    const id = String(sent.id);
    await using person = await openPlainPerson(site.socket);
    const unread = async () =>
      ((await person.call('notifications.list')).items as Json[]).filter((one) => one.id === id);
    await eventually('the notification', async () => (await unread()).length === 1);
    expect(await site.fleet('notify', 'status', id)).toMatchObject({ status: 0, recalled: false, read_by: [] });
    await person.call('notifications.ack', { id });
    const readBy = async () => (await site.fleet('notify', 'status', id)).read_by as Json[];
    const [reader] = await eventually('the mark', async () => {
      const all = await readBy();
      return all.length === 1 && all;
    });
    expect(reader).toMatchObject({ pc_id: 'pc-1', user_sid: `uid-${process.getuid?.()}` });
    expect(reader).not.toHaveProperty('outdated');
    expect(await site.fleet('notify', 'edit', id, '--title', 'At seven', '--reset-acks')).toMatchObject({ status: 0 });
    await eventually('the question again', async () => (await unread())[0]?.title === 'At seven');
    expect(await readBy()).toMatchObject([{ outdated: true }]);
    expect(await site.fleet('notify', 'recall', id)).toMatchObject({ status: 0 });
    await eventually('it to be gone', async () => (await unread()).length === 0);
    expect(await site.fleet('notify', 'status', id)).toMatchObject({ recalled: true });
    expect(await site.fleet('notify', 'edit', id, '--title', 'x')).toMatchObject({
      status: 1,
      error: { code: 'notification_not_found' },
    });
    expect(await site.fleet('notify', 'send', '--title', '', '--body', 'b', '--all')).toMatchObject({
      status: 1,
      error: { code: 'notification_invalid' },
    });
  });
});
