/**
 * Trees that are hard to stop, under a real agent, stopped by everybody who can: nobody survives, and each ending says who did it. A
 * shutdown of the machine is none of them: the system ends everything then, and the next agent finds the runs lost.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { eventually, natsServers, startNatsServer, zoo } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openPlainBroker, orderOf } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { openSite, processesOf, programsOf, type Site } from './site.ts';

const server = (await natsServers()).at(-1);
const animals = zoo.map((animal, at) => ({ ...animal, id: `animal-${at}` }));
const printed = animals.reduce((sum, animal) => sum + animal.printed, 0);

/** How many processes of all jobs have said that they are there. */
function saidOf({ data }: Site): number {
  const jobs = readdirSync(`${data}/jobs`).filter((name) => !name.startsWith('.'));
  const lines = jobs.map((id) => readFileSync(`${data}/jobs/${id}/stdout.log`, 'utf8').split('\n').length - 1);
  return lines.reduce((sum, count) => sum + count, 0);
}

const allThere = (site: Site) => eventually('the whole zoo is there', () => saidOf(site) >= printed);

/** What has to do with the place and is not the program itself. */
const leftIn = ({ path }: Site): number[] => {
  const programs = new Set(programsOf(path));
  return processesOf(path).filter((pid) => !programs.has(pid));
};

/** An agent on a broker of its own, and an operator who hears results. */
async function openPlace() {
  await using parts = new AsyncDisposableStack();
  const broker = parts.use(await startNatsServer({ path: server?.path ?? '' }));
  const site = parts.use(await openSite());
  await site.answer(['fleet', 'setup'], { env: { KANADE_NATS_URL: broker.url } });
  const operator = parts.use(await openPlainBroker(broker.url, ['results.>']));
  const agent = site.startAgent(['--server', broker.url]);
  await agent.ready();
  const opened = parts.move();
  return {
    site,
    operator,
    kill: (execId: string) => operator.tell(`kill.${execId}`),
    order: async (id: string, script: string, more: Record<string, unknown> = {}) =>
      operator.publish(
        `commands.pc.pc-1.${id}`,
        orderOf(script, { id, request_id: id, exec_id: id, bypass_local_limit: true, ...more }),
      ),
    resultOf: (id: string) =>
      eventually(`the result of ${id}`, () => operator.results().find(({ request_id }) => request_id === id)),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

describe.concurrent('the whole zoo', () => {
  it('goes when an operator says so', async () => {
    await using place = await openPlace();
    for (const { id, script } of animals) await place.order(id, script, { timeout_secs: 600 });
    await allThere(place.site);
    for (const { id } of animals) place.kill(id);
    for (const { id, name } of animals) {
      const { ending, exit_code, stop_report, stderr } = await place.resultOf(id);
      expect({ name, ending, exit_code, stop_report, stderr }).toMatchObject({
        ...{ name, ending: 'killed', exit_code: -1, stop_report: { survivors: [] } },
        stderr: expect.stringContaining(`killed by remote signal (kill.${id})`),
      });
    }
    expect(leftIn(place.site)).toEqual([]);
  });

  it('goes at its deadline, however much of it is there by then', async () => {
    await using place = await openPlace();
    for (const { id, script } of animals) await place.order(id, script, { timeout_secs: 2 });
    for (const { id, name } of animals) {
      const { ending, exit_code, stderr } = await place.resultOf(id);
      expect({ name, ending, exit_code, stderr }).toMatchObject({
        ...{ name, ending: 'timed_out', exit_code: -1, stderr: expect.stringContaining('timeout after 2s') },
      });
    }
    expect(leftIn(place.site)).toEqual([]);
  });

  it('goes when the person who started it says so', async () => {
    await using site = await openSite();
    for (const { id, script } of animals) site.offer(id, script, '600s');
    const agent = site.startAgent();
    await agent.ready();
    await using person = await openPlainPerson(site.socket);
    const runs: [string, string][] = [];
    for (const { id, name } of animals) runs.push([name, await person.start(id)]);
    await allThere(site);
    for (const [, runId] of runs) await person.call('jobs.kill', { run_id: runId });
    for (const [name, runId] of runs)
      expect({ name, ...(await person.end(runId)) }).toMatchObject({ name, status: 'killed' });
    expect(leftIn(site)).toEqual([]);
  });
});
