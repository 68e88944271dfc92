/**
 * Whatever becomes of the agent's file: the agent starts, serves its catalogue, says what it lost, runs no order twice, and
 * delivers every result that could be read. The file is one that a real agent left, with orders that were run and reported, and
 * results that wait for their broker.
 */
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type DamagedFile,
  damageCorpus,
  eventually,
  natsServers,
  soundFile,
  startNatsServer,
  tempDir,
} from '@kanade/testkit';
import { afterAll, expect, it } from 'vitest';
import { jobYaml, openSite, type RunningAgent, type Site } from './agent-process.ts';
import { commandFor, openOperator } from './operator.ts';
import { openPerson } from './person.ts';
import { cursorOf, knownRequests, queuedEvents, queuedResults, resultsApart, resultsToSend } from './records.ts';

const seed = 20_261_127;
/** Of each kind of damage so many files. */
const perKind = 3;
const clicks = 12;

const home = await tempDir();
const broker = await startNatsServer({ path: (await natsServers()).at(-1)?.path ?? 'nats-server' });
afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
const args = ['--server', broker.url];
const ran = join(home.path, 'ran');
const orders = Array.from({ length: 6 }, (_, index) => commandFor(`echo ${index} >> ${ran}`, { id: `order-${index}` }));
const requests = orders.map(({ request_id }) => request_id);

interface Base {
  readonly corpus: readonly DamagedFile[];
  /** Ids of the results that wait for the broker. */
  readonly waiting: readonly string[];
  /** How many events wait beside them. */
  readonly events: number;
  readonly jobs: string;
}

let made: Promise<Base> | undefined;

/** What an agent left behind, made once. */
async function makeBase(): Promise<Base> {
  const site = await openSite();
  site.putJob('hello.yaml', jobYaml({ id: 'hello', script: 'echo hello' }));
  const operator = await openOperator(broker.url);
  for (const command of orders) await operator.order(`commands.pc.pc-1.${command.id}`, command);
  const sound = await soundFile(join(site.data, 'agent.db'), {
    async fill() {
      const agent = await site.start({ args });
      for (const request of requests) await operator.result(request);
      await eventually('the cursor', () => cursorOf(site.data) >= orders.length);
      await broker.stop();
      await click(site, clicks / 2);
      await agent.end();
    },
    async fillMore(whileOpen) {
      const agent = await site.start({ args });
      await click(site, clicks / 2);
      whileOpen();
      await agent.end();
    },
  });
  const waiting = queuedResults(site.data).map(({ result_id }) => result_id);
  const events = queuedEvents(site.data);
  const jobs = join(home.path, 'jobs');
  cpSync(join(site.data, 'jobs'), jobs, { recursive: true });
  await broker.restart();
  return { corpus: damageCorpus(sound, seed), waiting, events, jobs };
}

async function click(site: Site, times: number): Promise<void> {
  const person = await openPerson(site.socket);
  for (let count = 0; count < times; count++) await person.end(await person.start('hello'));
  await person.close();
}

const nothing = { closed: new Uint8Array(), open: new Uint8Array(), wal: new Uint8Array() };
const chosen = damageCorpus(nothing, seed)
  .map(({ name }, index) => ({ name, index }))
  .filter(({ name }) => Number(/\((\d+)\)$/.exec(name)?.[1]) < perKind);

it('has at least 30 files', () => expect(chosen.length).toBeGreaterThanOrEqual(30));

it.each(chosen)('$name', async ({ index, name }) => {
  made ??= makeBase();
  const { corpus, waiting, events, jobs } = await made;
  const where = `seed ${seed}, file ${index}`;
  const operator = await openOperator(broker.url);
  await operator.renew('RESULTS'); // what was stored before is no news of this agent
  const site = await openSite();
  site.putJob('hello.yaml', jobYaml({ id: 'hello', script: 'echo hello' }));
  mkdirSync(site.data, { mode: 0o700 });
  cpSync(jobs, join(site.data, 'jobs'), { recursive: true });
  corpus[index]?.plant(join(site.data, 'agent.db'));

  const agent = await site.start({ args });
  const person = await openPerson(site.socket);
  expect((await person.call('jobs.list')).items.map(({ id }) => id)).toEqual(['hello']);
  await eventually('the stream to be read', () => cursorOf(site.data) >= orders.length);
  await eventually('every result to be delivered', () => resultsToSend(site.data) === 0);
  const fresh = await person.end(await person.start('hello'));
  expect(fresh).toMatchObject({ status: 'completed', exit_code: 0 });

  const results = await operator.results();
  expect(readFileSync(ran, 'utf8').match(/\d/g)?.sort(), where).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(knownRequests(site.data), where).toEqual(expect.arrayContaining(requests));
  const again = results.filter(({ request_id }) => requests.includes(request_id));
  for (const { exit_code, ending } of again) {
    // Nobody knows, or its job directory does.
    expect([121, 0], where).toContain(exit_code);
    expect(ending, where).toBe(exit_code === 0 ? 'exited' : 'lost');
  }
  const report = salvageOf(agent);
  const readable =
    report?.tables.find(({ table }) => table === 'outbox')?.rows ?? (name.includes('WAL') ? clicks / 2 : clicks);
  const delivered = new Set(results.map(({ result_id }) => result_id).filter((id) => waiting.includes(id)));
  // Of the rows that could be read some may be events, or results that had been delivered; what a flipped bit changed is not sent.
  const spared = resultsApart(site.data) + (report ? events + orders.length : 0);
  expect(delivered.size, where).toBeGreaterThanOrEqual(readable - spared);
  const mayHaveLost = report?.tables.some((table) => table.mayHaveLost) ?? false;
  // What the file cannot tell, the job directories do.
  const isMissed = agent.log().includes('belong to no run');
  expect('state_lost_at' in (await operator.ping('pc-1')), where).toBe(mayHaveLost || isMissed);
  expect(agent.log().includes('something may be missing'), where).toBe(mayHaveLost);
});

interface Salvage {
  readonly tables: readonly { readonly table: string; readonly rows: number; readonly mayHaveLost: boolean }[];
}

/** What the agent said in its log about a damaged file. */
function salvageOf(agent: RunningAgent): Salvage | undefined {
  const lines = agent
    .log()
    .split('\n')
    .filter((line) => line.includes('"salvaged"'));
  const line = lines[0];
  return line === undefined ? undefined : (JSON.parse(line) as { event: Salvage }).event;
}
