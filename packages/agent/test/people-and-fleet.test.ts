import type { KlpError } from '@kanade/klp';
import { eventually, newestNatsServer, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { jobYaml, openSite } from './agent-process.ts';
import { openOperator } from './operator.ts';
import { openPerson } from './person.ts';

const stored = (id: string): string =>
  JSON.stringify({
    id,
    version: '1',
    execute: { shell: 'sh', timeout: '60s', script: 'echo of the fleet' },
    client: { name: id, category: 'tests' },
  });

describe('the person at the machine and the fleet', () => {
  it('an operator stops the run of a person by its id', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    const site = await openSite();
    site.putJob('long.yaml', jobYaml({ id: 'long', script: 'echo begun; exec sleep 60' }));
    await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    await eventually('the agent to be online', async () => (await person.call('state.snapshot')).online);
    const runId = await person.start('long');
    await person.sees(runId, /begun/);
    operator.kill('another');
    operator.kill(runId);
    expect(await person.end(runId)).toMatchObject({ status: 'killed' });
    const result = await eventually('the result', async () =>
      (await operator.results()).find(({ result_id }) => result_id === runId),
    );
    expect(result).toMatchObject({ ending: 'killed', stderr: `[KLP] killed by remote signal (kill.${runId})\n` });
  });

  it('a job that cannot be read is left out of the list, and a click says why', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    await operator.put('jobs', 'central', stored('central'));
    await operator.put('jobs', 'no-time', stored('no-time').replace('60s', 'a while'));
    await operator.put('jobs', 'broken', '{"id":');
    await operator.put('jobs', 'stray', stored('central'));
    const site = await openSite();
    await site.start({ args: ['--server', broker.url] });
    const person = await openPerson(site.socket);
    await eventually('the catalogue of the fleet', async () => (await person.call('jobs.list')).items.length === 1);
    const refusal = async (id: string): Promise<unknown> => person.start(id).catch((error: KlpError) => error.kind);
    expect(await refusal('no-time')).toBe('InvalidParams');
    for (const id of ['broken', 'stray']) expect(await refusal(id)).toBe('InternalError');
    expect(await refusal('nowhere')).toBe('NotFound');
    expect(await refusal('x'.repeat(500))).toBe('NotFound');
    expect(await refusal('a b')).toBe('InvalidParams');
  });

  it('the catalogue is there without the broker, and says from when it is, also to the next agent', async () => {
    await using broker = await startNatsServer(await newestNatsServer());
    const operator = await openOperator(broker.url);
    await operator.put('jobs', 'central', stored('central'));
    const strict = { staleness: { mode: 'strict', max_cache_age: '0s' } };
    await operator.put('jobs', 'strict', JSON.stringify({ ...JSON.parse(stored('strict')), ...strict }));
    const site = await openSite();
    site.putJob(
      'own.yaml',
      `${jobYaml({ id: 'own', script: 'true' })}staleness: { mode: strict, max_cache_age: 0s }\n`,
    );
    const alone = await site.start();
    const before = await openPerson(site.socket);
    const listed = await before.call('jobs.list');
    expect(listed.items.map(({ id }) => id)).toEqual(['own']);
    expect(listed).not.toHaveProperty('offline'); // there is no fleet that could say anything
    await before.close();
    await alone.end();

    const args = ['--server', broker.url];
    const agent = await site.start({ args });
    const person = await openPerson(site.socket);
    const current = await eventually('the catalogue of the fleet', async () => {
      const list = await person.call('jobs.list');
      return list.items.length === 3 && list.offline === undefined && list;
    });
    expect(current).not.toHaveProperty('as_of');
    const looking = await openPerson(site.socket, { subscribe: true });
    await operator.put('jobs', 'central', stored('central'));
    await eventually('the word that the catalogue is another one', () => looking.changes() > 0);
    await looking.close();
    const fromMs = Date.now();
    await broker.stop();
    const away = await eventually('the list to be an old one', async () => {
      const list = await person.call('jobs.list');
      return list.offline && list;
    });
    expect(away.items.map(({ id }) => id)).toEqual(['central', 'own', 'strict']);
    expect(Date.parse(away.as_of ?? '')).toBeGreaterThanOrEqual(fromMs);
    expect(Date.parse(away.as_of ?? '')).toBeLessThanOrEqual(Date.now());
    // On a line of its own: looking so often has used up what may be asked on that one.
    const clicking = await openPerson(site.socket);
    expect((await clicking.end(await clicking.start('central'))).stdout_chunk).toBe('of the fleet\n');
    const skipped = { status: 'failed', exit_code: 127, skipped: true };
    const kept = await clicking.end(await clicking.start('strict'));
    expect(kept).toMatchObject({ ...skipped, stderr_chunk: expect.stringMatching(/^skipped: staleness policy/) });
    expect(await clicking.end(await clicking.start('own'))).toMatchObject({ status: 'completed' });
    const runs = (await clicking.call('jobs.list')).items.map(({ last_run }) => last_run);
    expect(runs).toMatchObject([{ status: 'completed' }, { status: 'completed' }, skipped]);
    for (const one of [person, clicking]) await one.close();
    await agent.end();

    await site.start({ args });
    const later = await openPerson(site.socket);
    expect(await later.call('jobs.list')).toMatchObject({ offline: true, as_of: away.as_of, items: [{}, {}, {}] });
    await broker.restart();
    await eventually('the list to be right again', async () => (await later.call('jobs.list')).offline === undefined);
  });
});
