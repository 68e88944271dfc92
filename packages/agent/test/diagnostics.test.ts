/** What a person at the machine sends to whoever helps: shown first, sent as it was shown, nothing secret in it, nothing of others. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { KlpError } from '@kanade/klp';
import { parseCollectionKey } from '@kanade/shared/fleet';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { limits } from '../src/limits.ts';
import { jobYaml, openSite } from './agent-process.ts';
import { type Operator, openOperator } from './operator.ts';
import { openPerson, type Person } from './person.ts';
import { unzip } from './unzip.ts';

const fileNames = ['message.txt', 'versions.json', 'doctor.json', 'state.json', 'configuration.json', 'agent.log'];

/** Rejects with the kind of the error and its words. */
const refusalOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof KlpError ? error.message : Promise.reject(error)),
  );

type Shown = { readonly files: readonly { readonly name: string; readonly text: string }[] };

const stored = async (operator: Operator, key: string | undefined): Promise<Buffer> =>
  Buffer.from((await (await operator.store('collections')).getBlob(key ?? '')) ?? []);
const textsIn = (archive: Buffer) =>
  Object.fromEntries([...unzip(archive)].map(([name, bytes]) => [name, String(bytes)]));
const textsOf = ({ files }: Shown) => Object.fromEntries(files.map(({ name, text }) => [name, text]));
const textOf = ({ files }: Shown, name: string): string => files.find((file) => file.name === name)?.text ?? '';

describe('support.upload_diagnostics', () => {
  it('shows what would be sent, without the secrets that the agent was given or the person wrote', async () => {
    const site = await openSite();
    site.putJob('own.yaml', jobYaml({ id: 'own', script: 'echo printed-by-a-run' }));
    const given = {
      APP_TOKEN: 'given-to-jobs-1',
      KANADE_NATS_TOKEN: 'given-to-agent-1',
      LANG: 'C.UTF-8',
      OTHER: 'not-told',
    };
    await site.start({ args: ['--server', 'nats://127.0.0.1:9'], env: given });
    const person = await openPerson(site.socket, { subscribe: true });
    await person.end(await person.start('own'));
    const shown = await person.call('support.preview_diagnostics', {
      summary: 'The printer is silent',
      detail: 'my password is hunter2 and the token given-to-jobs-1',
      contact: 'room 3',
    });
    expect(shown.files.map(({ name }) => name)).toEqual(fileNames);
    for (const { text, size_bytes } of shown.files) expect(size_bytes).toBe(Buffer.byteLength(text));
    expect(shown.size_bytes).toBe(shown.files.reduce((sum, { size_bytes }) => sum + size_bytes, 0));
    expect(Date.parse(shown.expires_at)).toBeGreaterThan(Date.now());
    const whole = JSON.stringify(shown);
    for (const secret of ['hunter2', 'given-to', 'not-told', 'printed-by-a-run']) expect(whole).not.toContain(secret);
    expect(textOf(shown, 'message.txt')).toMatch(
      /^From: .*\nAt: .*\nContact: room 3\nSummary: The printer is silent\n/,
    );
    expect(JSON.parse(textOf(shown, 'state.json'))).toMatchObject({
      pc_id: 'pc-1',
      online: false,
      own_last_runs: { own: { status: 'completed' } },
    });
    const configuration = JSON.parse(textOf(shown, 'configuration.json'));
    expect(configuration).toMatchObject({ pc_id: 'pc-1', environment: { LANG: 'C.UTF-8' } });
    expect(configuration.broker_addresses).toEqual(['nats://127.0.0.1:9']);
    const { findings } = JSON.parse(textOf(shown, 'doctor.json'));
    expect(findings).toContainEqual({ name: 'broker', ok: false, detail: expect.stringMatching(/^away/) });
    expect(textOf(shown, 'agent.log')).toContain('run ended');
  });

  it('nothing is sent that was not shown, nor after it is over, nor to nobody; each refusal says what to do', async () => {
    const site = await openSite();
    await site.start();
    const person = await openPerson(site.socket);
    const upload = (params: { preview?: string; summary?: string }): Promise<string> =>
      refusalOf(person.call('support.upload_diagnostics', params));
    expect(await upload({})).toMatch(/^InvalidParams: preview: nothing is sent that was not shown/);
    expect(await upload({ preview: 'f'.repeat(64) })).toMatch(/^NotFound: what was shown is over: ask for it again/);
    const { preview } = await person.call('support.preview_diagnostics', { summary: 'a' });
    expect(await upload({ preview, summary: 'b' })).toMatch(/^InvalidParams: summary: another one than was shown/);
    expect(await upload({ preview, summary: 'a' })).toMatch(/^AgentDisconnected: this machine has no broker: save/);
    await person.call('support.preview_diagnostics', { summary: 'newer' });
    expect(await upload({ preview })).toMatch(/^NotFound/);
    const long = await refusalOf(
      person.call('support.preview_diagnostics', { detail: 'x'.repeat(limits.diagnosticsDetailMax + 1) }),
    );
    expect(long).toBe('InvalidParams: detail: 4001 characters, at most 4000');
    expect(readdirSync(join(site.data, 'collected'))).toEqual([]);
  });

  it('sends exactly what was shown, once, and tells the fleet; so many an hour', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    await online(person);
    const shown = await person.call('support.preview_diagnostics', { summary: 'pin: 4711', contact: 'room 3' });
    const { preview } = shown;
    const twice = [0, 1].map(() => person.call('support.upload_diagnostics', { preview }));
    const [sent, again] = await Promise.all(twice);
    expect(again).toEqual(sent);
    expect(parseCollectionKey(sent?.object_key ?? '')).toMatchObject({ pc: 'pc-1', jobId: 'support.diagnostics' });
    expect(sent).not.toHaveProperty('queued');
    const archive = await stored(operator, sent?.object_key);
    expect(archive.length).toBe(sent?.size_bytes);
    expect(textsIn(archive)).toEqual(textsOf(shown));
    const [told] = await eventually('the event', async () => {
      const events = (await operator.events()).filter(({ kind }) => kind === 'diagnostic');
      return events.length > 0 && events;
    });
    expect(told).toMatchObject({
      pc_id: 'pc-1',
      payload: { object_key: sent?.object_key, contact: 'room 3', summary: 'pin: [removed]' },
    });
    expect(readdirSync(join(site.data, 'collected'))).toEqual([]);

    // A broker without that store never takes it: it is not said to be on its way.
    await operator.change('OBJ_collections', 'gone');
    expect(await refusalOf(person.call('support.upload_diagnostics', await next(person)))).toMatch(
      /^AgentDisconnected: the broker keeps no archives: save what is shown/,
    );
    expect(readdirSync(join(site.data, 'collected'))).toEqual([]);
    await operator.setUp();

    for (let count = 1; count < limits.diagnosticsUploadsMax; count++)
      await person.call('support.upload_diagnostics', await next(person));
    expect(await refusalOf(person.call('support.upload_diagnostics', await next(person)))).toMatch(
      /^RateLimit: 5 were sent within an hour: send this one in \d+ min$/,
    );
  });

  it('waits for a broker that is away, also over a new start of the agent', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    await broker.stop();
    const site = await openSite();
    const agent = await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    const shown = await person.call('support.preview_diagnostics', { summary: 'offline' });
    const sent = await person.call('support.upload_diagnostics', { preview: shown.preview });
    expect(sent).toMatchObject({ queued: true });
    await person.close();
    await agent.end();
    await site.start({ args: ['--server', broker.url] });
    await broker.restart();
    const told = await eventually('the event', async () =>
      (await operator.events()).find(({ kind }) => kind === 'diagnostic'),
    );
    expect(told.payload).toMatchObject({ object_key: sent.object_key, summary: 'offline' });
    expect(told.payload).not.toHaveProperty('left_out');
    expect(textsIn(await stored(operator, sent.object_key))).toEqual(textsOf(shown));
    await eventually('the archive to be gone', () => readdirSync(join(site.data, 'collected')).length === 0);
    expect(readFileSync(join(site.data, 'agent.log'), 'utf8')).not.toContain('quarantined');
  });
});

const online = (person: Person): Promise<unknown> =>
  eventually('the agent to be online', async () => (await person.call('state.snapshot')).online);

async function next(person: Person): Promise<{ preview: string }> {
  const { preview } = await person.call('support.preview_diagnostics');
  return { preview };
}
