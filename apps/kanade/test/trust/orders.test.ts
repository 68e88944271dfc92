/** Orders that come again and again, readers that are cut off, an agent that stands still: each order runs once and its true ending is told. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually, natsServers } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { startForgetfulBroker } from './conservation/brokers.ts';
import { openPlainBroker, orderOf } from './plain-broker.ts';
import { openSite, rounds, workloadsOf } from './site.ts';

const server = (await natsServers())[0];
const dayMs = 24 * 3_600_000;

/** A broker, an operator who hears results and what else is asked for, and a place for an agent on it. */
async function openPlace(subjects: readonly string[] = []) {
  await using parts = new AsyncDisposableStack();
  const site = parts.use(await openSite());
  const broker = parts.use(await startForgetfulBroker(site.path, server?.path ?? ''));
  await site.answer(['fleet', 'setup'], { env: { KANADE_NATS_URL: broker.url } });
  const operator = parts.use(await openPlainBroker(broker.url, ['results.>', ...subjects]));
  const opened = parts.move();
  const mark = (name: string): string => `${site.path}/${name}`;
  return {
    site,
    broker,
    operator,
    mark,
    startAgent: (env: Record<string, string> = {}) => site.startAgent(['--server', broker.url], { env }),
    /** An order whose script leaves a line of its own, then does the rest; a job of its own. */
    orderOf(name: string, rest = 'true', more: Record<string, unknown> = {}) {
      return orderOf(`echo ran >> ${mark(name)}; ${rest}`, { id: name, request_id: name, exec_id: name, ...more });
    },
    give: (order: ReturnType<typeof orderOf>) => operator.publish(`commands.pc.pc-1.${order.id}`, order),
    runsOf: (name: string): number =>
      existsSync(mark(name)) ? readFileSync(mark(name), 'utf8').split('ran\n').length - 1 : 0,
    resultsOf: (name: string) => operator.results().filter(({ request_id }) => request_id === name),
    resultOf: (name: string) =>
      eventually(`the result of ${name}`, () => operator.results().find(({ request_id }) => request_id === name)),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** How far an agent has read its orders, as its file says. */
function cursorOf(dataDir: string): number {
  const database = new DatabaseSync(`${dataDir}/agent.db`, { readOnly: true });
  try {
    return Number(database.prepare('SELECT max(sequence) AS last FROM cursor').get()?.last);
  } finally {
    database.close();
  }
}

// They mostly wait: all of them at once take hardly longer than one.
describe.concurrent('the same order a hundred times', () => {
  it('runs once: before its run, during it, after it, over the lives of an agent, and as late as a broker can keep it', async () => {
    await using place = await openPlace();
    const { site, mark, give } = place;
    const clock = `${site.path}/clock`;
    const preload = fileURLToPath(new URL('./clock.cjs', import.meta.url));
    const env = { CLOCK_FILE: clock, NODE_OPTIONS: `--require ${preload}`, BUN_OPTIONS: `--preload ${preload}` };
    const order = place.orderOf('again', `while [ ! -e ${mark('go')} ]; do sleep 0.02; done`);
    const give20 = async (): Promise<void> => {
      for (let nth = 0; nth < 20; nth++) await give(order);
    };
    await give20(); // nobody is there: one of them waits in the stream
    const first = place.startAgent(env);
    await first.ready();
    await eventually('it runs', () => place.runsOf('again') === 1);
    await give20();
    await first.end('SIGKILL');
    await give20();
    const second = place.startAgent(env);
    await second.ready();
    writeFileSync(mark('go'), '');
    expect(await place.resultOf('again')).toMatchObject({ exit_code: 0 });
    await give20();
    await second.end('SIGTERM');
    // The stream keeps an order for 7 days; a machine knows it for longer than that.
    writeFileSync(clock, String(7 * dayMs + dayMs / 2));
    const third = place.startAgent(env);
    await third.ready();
    await give20();
    await give(place.orderOf('last'));
    await place.resultOf('last');
    expect([place.runsOf('again'), place.runsOf('last')]).toEqual([1, 1]);
    expect(new Set(place.resultsOf('again').map((result) => JSON.stringify(result))).size).toBe(1);
  });
});

describe.concurrent('a read of missed orders', () => {
  it('whose consumer is deleted under it goes on from where it was, and leaves no consumer behind', async () => {
    await using place = await openPlace(['$JS.API.CONSUMER.MSG.NEXT.EXEC.>']);
    const { operator } = place;
    // More than one fetch brings, so that some of it is missing when the consumer goes. They come too late: no process is started.
    const late = { deadline_at: '2020-01-01T00:00:00Z' };
    const names = Array.from({ length: 110 }, (_, index) => `missed-${index}`);
    await Promise.all(names.map((name) => place.give(place.orderOf(name, 'true', late))));
    const agent = place.startAgent();
    await agent.ready();
    const reader = await eventually('a reader', () =>
      operator.heard
        .find(({ subject }) => subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.'))
        ?.subject.split('.')
        .at(-1),
    );
    await operator.request(`$JS.API.CONSUMER.DELETE.EXEC.${reader}`, '').catch(() => undefined); // it was quicker
    for (const name of names) expect(await place.resultOf(name)).toMatchObject({ skipped: true });
    expect(names.map((name) => place.resultsOf(name).length)).toEqual(names.map(() => 1));
    await eventually('no consumer is left', async () => {
      const { consumers: left } = JSON.parse(await operator.request('$JS.API.CONSUMER.NAMES.EXEC', '')) as {
        consumers: string[] | null;
      };
      return (left ?? []).length === 0;
    });
  });
});

describe.concurrent('a broker that crashes and loses what it had not synced', () => {
  it('makes an agent miss none of the orders that it accepts afterwards, though they stand where the agent has read before', async () => {
    await using place = await openPlace();
    const { broker, site } = place;
    broker.sync();
    const first = place.startAgent();
    await first.ready();
    const early = Array.from({ length: 5 }, (_, index) => place.orderOf(`early-${index}`));
    for (const order of early) await place.give(order);
    for (const { id } of early) await place.resultOf(id);
    await first.end('SIGTERM');
    // What it has read so far is written down by the next one, which reads what was missed.
    const second = place.startAgent();
    await second.ready();
    await eventually('it has read', () => cursorOf(site.data) >= early.length);
    await second.end('SIGTERM');
    await broker.loseUnsynced();
    await using operator = await openPlainBroker(broker.url, ['results.>']);
    const late = Array.from({ length: early.length + 1 }, (_, index) => place.orderOf(`late-${index}`));
    for (const order of late) await operator.publish(`commands.pc.pc-1.${order.id}`, order);
    const third = place.startAgent();
    await third.ready();
    for (const { id } of late)
      await eventually(`the result of ${id}`, () => operator.results().some(({ request_id }) => request_id === id));
    expect([...early, ...late].map(({ id }) => place.runsOf(id))).toEqual([...early, ...late].map(() => 1));
  });
});

describe.concurrent('an agent that stands still', () => {
  it('past a deadline, an end, a kill and an order: all of them are true when it goes on, nothing ran twice', async () => {
    await using place = await openPlace(['heartbeat.pc-1']);
    const { site, operator, mark, give } = place;
    const free = { bypass_local_limit: true };
    const agent = place.startAgent();
    await agent.ready();
    const held = (name: string): string => `while [ ! -e ${mark(name)} ]; do sleep 0.02; done`;
    await give(place.orderOf('ends', held('go'), free));
    await give(place.orderOf('late', 'sleep 600', { ...free, timeout_secs: 2 }));
    await give(place.orderOf('killed', 'sleep 600', free));
    await eventually('all three run', () => ['ends', 'late', 'killed'].every((name) => place.runsOf(name) === 1));
    agent.child.kill('SIGSTOP');
    writeFileSync(mark('go'), '');
    operator.tell('kill.killed');
    await give(place.orderOf('new'));
    await sleep(rounds(3_000)); // what is tested: longer than the deadline of `late`
    const beats = operator.heard.filter(({ subject }) => subject === 'heartbeat.pc-1').length;
    agent.child.kill('SIGCONT');
    expect(await place.resultOf('ends')).toMatchObject({ exit_code: 0, ending: 'exited' });
    expect(await place.resultOf('late')).toMatchObject({ ending: 'timed_out' });
    expect((await place.resultOf('killed')).exit_code).not.toBe(0);
    expect(await place.resultOf('new')).toMatchObject({ exit_code: 0 });
    expect(['ends', 'late', 'killed', 'new'].map(place.runsOf)).toEqual([1, 1, 1, 1]);
    await eventually('nothing of them runs', () => workloadsOf(site.data).length === 0);
    expect(await operator.request('agents.pc-1.ping', '')).toContain('"pc_id":"pc-1"');
    expect(beats).toBeGreaterThan(0);
    await agent.end('SIGTERM');
  });
});
