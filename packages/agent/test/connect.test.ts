/** What the log says of a broker that is there and of no use: words, each once, and no stack. */
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openSite } from './agent-process.ts';

const warnings = (log: string): { msg: string; code?: string; err?: { code?: string; message?: string } }[] =>
  log
    .split('\n')
    .filter((line) => line.includes('"level":40'))
    .map((line) => JSON.parse(line));

describe.each(await natsServers())('the log of an agent on nats-server $version', ({ path }) => {
  it('names the command that is missing when the broker was not set up', async () => {
    await using broker = await startNatsServer({ path });
    const site = await openSite();
    const agent = await site.start({ env: { KANADE_NATS_URL: broker.url } });
    await eventually('it is said', () => agent.log().includes('kanade fleet setup'));
    const { stderr } = await agent.end();
    expect(stderr).not.toContain('"stack"');
    const codes = warnings(stderr).flatMap(({ err }) => err?.code ?? []);
    expect(codes.length).toBeGreaterThan(0);
    expect([...new Set(codes)]).toEqual(['no_topology']);
  });

  it('says once that its credentials are refused, and shows none', async () => {
    await using broker = await startNatsServer({ path, token: 'right-token' });
    const site = await openSite();
    const agent = await site.start({ env: { KANADE_NATS_URL: broker.url, KANADE_NATS_TOKEN: 'wrong-token' } });
    await eventually('it is said', () => warnings(agent.log()).some(({ code }) => code === 'broker_refused'));
    const { stderr } = await agent.end();
    expect(warnings(stderr).filter(({ code }) => code === 'broker_refused')).toHaveLength(1);
    expect(stderr).not.toMatch(/"stack"|wrong-token/);
  });
});
