/**
 * Processes of ours killed with SIGKILL, at chosen moments and at random ones. Afterwards every accepted job has one ending, the right one;
 * nothing ran twice; no success is made up; what was to be delivered is delivered.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { eventually, natsServers, seeded, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFailed } from 'vitest';
import { openPlainBroker, orderOf, type PlainResult } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import {
  atOnce,
  isGone,
  kill,
  lookAt,
  ofProcess,
  openSite,
  programsOf,
  rounds,
  type Site,
  workloadsOf,
} from './site.ts';

/** A script that writes a line when it begins and one when it is done; `hold` is what it does in between. */
const marking = (mark: string, hold: string): string => `echo begun >> ${mark}; ${hold}; echo done >> ${mark}`;

const linesOf = (mark: string): { begun: number; done: number } => {
  const text = existsSync(mark) ? readFileSync(mark, 'utf8') : '';
  return { begun: text.split('begun\n').length - 1, done: text.split('done\n').length - 1 };
};

/** Directories of a root that can be jobs. */
const jobsOf = (root: string): string[] =>
  existsSync(root) ? readdirSync(root).filter((name) => /^[0-9a-f]{32}$/.test(name)) : [];

/** `KANADE_TRUST_SEED=N` repeats the moments of a test that failed, as far as the machine lets it. */
const seed = Number(process.env.KANADE_TRUST_SEED ?? Date.now() % 1_000_000_000);

/** Some time later, by chance: not a wait, the choice of a moment. Each test has a row of its own; one that fails names its seed. */
function chance(): (msMax: number) => Promise<void> {
  const random = seeded(seed);
  onTestFailed(() => void process.stderr.write(`its moments come again with KANADE_TRUST_SEED=${seed}\n`));
  return async (msMax) => {
    const endMs = performance.now() + random() * msMax;
    while (performance.now() < endMs) await new Promise(setImmediate);
  };
}

const endedStates = new Set(['exited', 'killed', 'failed']);

/** Whatever runs of the jobs of a root, and a child of a killed `run` that is not the shim yet. */
function startedOf(root: string): number[] {
  const { programs, workloads } = lookAt(root);
  return [...workloads, ...programs.filter((pid) => ofProcess(pid, 'cmdline').split('\0').includes('run'))];
}

/** What must be true of the only job of a root, whatever was killed: it has not begun, or it has one true ending. */
async function judge(site: Site, mark: string): Promise<string> {
  const [id] = jobsOf(site.root);
  if (id === undefined) {
    expect(linesOf(mark).begun).toBe(0);
    return 'no job';
  }
  const ended = await eventually(`the job ${id} has an ending, or never began`, async () => {
    // Looked at before the answer: a shim that was started and has said nothing yet is about to begin it.
    const isComing = startedOf(site.root).length > 0;
    const now = await site.answer(['status', id]);
    return now.state !== 'running' && (endedStates.has(String(now.state)) || !isComing) && now;
  });
  const { begun, done } = linesOf(mark);
  expect(begun).toBeLessThanOrEqual(1);
  if (ended.exit_code === 0) expect([ended.state, done]).toEqual(['exited', 1]);
  if (done === 1) expect([ended.state, ended.exit_code]).toEqual(['exited', 0]);
  if (begun === 0) expect(ended.exit_code).not.toBe(0);
  expect(workloadsOf(site.root)).toEqual([]);
  return String(ended.ending ?? ended.state);
}

describe('a call that is killed while it starts a job', () => {
  it.each(['jobs', 'directory', 'meta.json', 'ending', 'stdout.log', 'state.json', 'full.log', 'begun', 'done'])(
    'at the moment when there is: %s',
    async (moment) => {
      await using site = await openSite();
      const mark = `${site.path}/mark`;
      const running = site.start(['run', '--forever', '--', 'sh', '-c', marking(mark, 'sleep 0.1')]);
      const isThere = (): boolean => {
        if (moment === 'jobs') return existsSync(site.root);
        if (moment === 'begun' || moment === 'done') return linesOf(mark)[moment] === 1;
        const [id] = jobsOf(site.root);
        return id !== undefined && (moment === 'directory' || existsSync(`${site.root}/${id}/${moment}`));
      };
      await atOnce(moment, () => isThere() || running.child.exitCode !== null);
      running.child.kill('SIGKILL');
      await running.ended;
      await judge(site, mark);
    },
  );

  it('at random moments', async () => {
    const someMoment = chance();
    for (let round = 0; round < rounds(8); round++) {
      await using site = await openSite();
      const mark = `${site.path}/mark`;
      const running = site.start(['run', '--forever', '--', 'sh', '-c', marking(mark, 'sleep 0.05')]);
      await someMoment(250);
      running.child.kill('SIGKILL');
      await running.ended;
      await judge(site, mark);
    }
  });

  it.each(['meta.json', 'ending', 'state.json', 'full.log', 'begun'])(
    'once there is %s, a job that has begun is still stopped at its deadline, with nobody calling',
    async (moment) => {
      await using site = await openSite();
      const mark = `${site.path}/mark`;
      const script = marking(mark, 'sleep 600');
      const running = site.start(['run', '--timeout', '1', '--kill-after', '1', '--forever', '--', 'sh', '-c', script]);
      await atOnce(moment, () => {
        const [id] = jobsOf(site.root);
        return moment === 'begun' ? linesOf(mark).begun === 1 : id && existsSync(`${site.root}/${id}/${moment}`);
      });
      running.child.kill('SIGKILL');
      await running.ended;
      await eventually('nothing of the job runs', () => startedOf(site.root).length === 0);
      const ending = await judge(site, mark);
      if (linesOf(mark).begun === 1) expect(ending).toBe('timed_out');
    },
  );
});

describe('a keeper that is killed', () => {
  it('is replaced by the next call: the deadline holds, the ending is told, nothing runs twice', async () => {
    await using site = await openSite();
    const mark = `${site.path}/mark`;
    const events = `${site.path}/events`;
    const words = ['--timeout', '3', '--kill-after', '1', '--notify-file', events];
    const run = await site.answer(['run', '--no-wait', ...words, '--', 'sh', '-c', marking(mark, 'sleep 600')]);
    await eventually('a keeper', () => programsOf(site.root).length > 0);
    // One that was about to begin may take the place of the first at once.
    await eventually('no keeper is left', () => {
      for (const keeper of programsOf(site.root)) kill(keeper);
      return programsOf(site.root).length === 0;
    });
    expect(await site.answer(['status', String(run.job_id)])).toMatchObject({ state: 'running' });
    await site.answer(['run', '--no-wait', '--', 'true']);
    await eventually('the job is over', () => workloadsOf(site.root).length === 0);
    expect(await site.answer(['status', String(run.job_id)])).toMatchObject({ ending: 'timed_out' });
    await eventually('its end is told', () => readFileSync(events, 'utf8').endsWith('\n'));
    expect(readFileSync(events, 'utf8').trim().split('\n')).toHaveLength(1);
  });

  it('again and again, at random moments, loses no ending', async () => {
    const someMoment = chance();
    await using site = await openSite();
    const marks = Array.from({ length: rounds(6) }, (_, index) => `${site.path}/mark-${index}`);
    for (const mark of marks) {
      await site.answer(['run', '--no-wait', '--no-auto-gc', '--', 'sh', '-c', marking(mark, 'sleep 0.1')]);
      await someMoment(120);
      for (const keeper of programsOf(site.root)) kill(keeper);
    }
    for (const id of jobsOf(site.root))
      expect(await site.answer(['wait', '--until', '20', id])).toMatchObject({ state: 'exited', exit_code: 0 });
    expect(jobsOf(site.root)).toHaveLength(marks.length);
    expect(marks.map(linesOf)).toEqual(marks.map(() => ({ begun: 1, done: 1 })));
  });
});

/** The shim of the only job of a root: the one among its processes whose parent is none of them. */
function shimOf(root: string): number | undefined {
  const all = new Set(workloadsOf(root));
  return [...all].find((pid) => !all.has(Number(/\) \S (\d+)/.exec(ofProcess(pid, 'stat'))?.[1])));
}

describe('a shim that is killed', () => {
  it.each(['running', 'stopping'])(
    'while its job is %s: never a success, and nothing of it is left by kill',
    async (state) => {
      await using site = await openSite();
      const mark = `${site.path}/mark`;
      const script = `trap '' TERM; ${marking(mark, 'while [ ! -e go ]; do sleep 0.05; done')}`;
      const run = await site.answer(['run', '--no-wait', '--', 'sh', '-c', script]);
      const id = String(run.job_id);
      await eventually('it has begun', () => linesOf(mark).begun === 1);
      const stopping = state === 'stopping' ? site.start(['kill', id]) : undefined;
      if (stopping) await eventually('the stop is under way', () => existsSync(`${site.root}/${id}/stop.json`));
      const shim = await eventually('the shim', () => shimOf(site.root));
      kill(shim);
      await eventually('the shim is gone', () => isGone(shim));
      await stopping?.ended;
      expect((await site.answer(['kill', id])).survivors ?? []).toEqual([]);
      await eventually('nothing of it runs', () => workloadsOf(site.root).length === 0);
      const ended = await site.answer(['status', id]);
      expect(['failed', 'killed']).toContain(ended.state);
      expect(ended).not.toHaveProperty('exit_code', 0);
    },
  );
});

describe('a caller of kill that is killed', () => {
  it('leaves a stop that the next one finishes, and an ending that says who asked', async () => {
    await using site = await openSite();
    const script = `trap '' TERM; echo begun; while :; do sleep 0.05; done`;
    const run = await site.answer(['run', '--no-wait', '--', 'sh', '-c', script]);
    const id = String(run.job_id);
    await eventually('it has begun', () => readFileSync(String(run.stdout_log_path), 'utf8') !== '');
    const stopping = site.start(['kill', id]);
    await atOnce('the stop is under way', () => existsSync(`${site.root}/${id}/stop.json`));
    stopping.child.kill('SIGKILL');
    await stopping.ended;
    expect(await site.answer(['kill', id])).toMatchObject({ ok: true, survivors: [] });
    expect(await site.answer(['status', id])).toMatchObject({ state: 'killed', ending: 'killed', ended_by: 'user' });
    expect(workloadsOf(site.root)).toEqual([]);
  });
});

describe('an agent that is killed', () => {
  /** Everything about one order that these tests ask. */
  interface Order {
    readonly order: ReturnType<typeof orderOf>;
    readonly mark: string;
  }

  async function withBroker() {
    const server = (await natsServers()).at(-1);
    const broker = await startNatsServer({ path: server?.path ?? '' });
    const site = await openSite();
    const env = { KANADE_NATS_URL: broker.url };
    await site.answer(['fleet', 'setup'], { env });
    const operator = await openPlainBroker(broker.url, ['results.>']);
    let count = 0;
    return {
      site,
      operator,
      startAgent: () => site.startAgent(['--server', broker.url]),
      async order(hold: string, more: Record<string, unknown> = {}): Promise<Order> {
        const mark = `${site.path}/order-${++count}`;
        const order = orderOf(marking(mark, hold), { id: `job-${count}`, ...more });
        await operator.publish(`commands.pc.pc-1.${order.id}`, order);
        return { order, mark };
      },
      async [Symbol.asyncDispose]() {
        await site[Symbol.asyncDispose]();
        await operator[Symbol.asyncDispose]();
        await broker[Symbol.asyncDispose]();
      },
    };
  }

  /** One result, told once or more often but always the same, and true to what the script did. */
  async function judgeOrder({ order, mark }: Order, results: () => PlainResult[]): Promise<PlainResult> {
    const own = () => results().filter(({ request_id }) => request_id === order.request_id);
    const result = await eventually(`the result of ${order.request_id}`, () => own()[0]);
    const { begun, done } = linesOf(mark);
    expect(begun, order.request_id).toBeLessThanOrEqual(1);
    expect([order.request_id, result.exit_code === 0]).toEqual([order.request_id, done === 1]);
    expect(new Set(own().map((one) => JSON.stringify(one))).size).toBe(1);
    return result;
  }

  it('in every state of a run, and again while it takes runs up: each order has its true result', async () => {
    const someMoment = chance();
    await using place = await withBroker();
    const { site, operator } = place;
    const go = `${site.path}/go`;
    const held = `while [ ! -e ${go} ]; do sleep 0.02; done`;
    let agent = place.startAgent();
    await agent.ready();
    // Two run, as many as there are places for; one waits; one is being stopped; two have just ended.
    const quick = [await place.order('true'), await place.order('true')];
    for (const { mark } of quick) await atOnce('a quick one is done', () => linesOf(mark).done === 1);
    const running = await place.order(held);
    const stopping = await place.order(`trap '' TERM; sleep 600`, { bypass_local_limit: true });
    await eventually('both run', () => linesOf(running.mark).begun + linesOf(stopping.mark).begun === 2);
    const all = [...quick, running, ...(await Promise.all([1, 2, 3].map(() => place.order(held))))];
    operator.tell(`kill.${stopping.order.exec_id}`);
    await eventually('the stop is under way', () =>
      readdirSync(`${site.data}/jobs`).some((id) => existsSync(`${site.data}/jobs/${id}/stop.json`)),
    );
    await agent.end('SIGKILL');
    for (let round = 0; round < rounds(3); round++) {
      agent = place.startAgent();
      await someMoment(400);
      await agent.end('SIGKILL');
    }
    const early = operator.results().filter(({ request_id }) => request_id !== stopping.order.request_id);
    expect(early.every(({ exit_code }) => exit_code === 0)).toBe(true);
    writeFileSync(go, '');
    agent = place.startAgent();
    await agent.ready();
    for (const order of all) expect(await judgeOrder(order, operator.results)).toMatchObject({ exit_code: 0 });
    expect((await judgeOrder(stopping, operator.results)).exit_code).not.toBe(0);
    await eventually('nothing of the stopped one runs', () => workloadsOf(site.data).length === 0);
  });

  it('at random moments while orders come: none is lost, none runs twice, none is called a success that is not', async () => {
    const someMoment = chance();
    await using place = await withBroker();
    const orders: Order[] = [];
    let agent = place.startAgent();
    await agent.ready();
    for (let round = 0; round < rounds(5); round++) {
      const coming = [1, 2, 3, 4].map((nth) => place.order(nth % 2 === 0 ? 'true' : 'sleep 0.1'));
      await someMoment(300);
      await agent.end('SIGKILL');
      orders.push(...(await Promise.all(coming)));
      agent = place.startAgent();
      await someMoment(300);
    }
    await agent.ready();
    // Every order comes a second time, as a broker may send it.
    for (const { order } of orders) await place.operator.publish(`commands.pc.pc-1.${order.id}`, order);
    for (const order of orders) await judgeOrder(order, place.operator.results);
    const last = await place.order('true');
    expect(await judgeOrder(last, place.operator.results)).toMatchObject({ exit_code: 0 });
    for (const order of orders) await judgeOrder(order, place.operator.results);
  });

  it('while a person’s run goes on: the run goes on, and its ending is known afterwards', async () => {
    await using site = await openSite();
    const mark = `${site.path}/mark`;
    site.offer('held', marking(mark, `while [ ! -e ${site.path}/go ]; do sleep 0.02; done`));
    const first = site.startAgent();
    await first.ready();
    await using person = await openPlainPerson(site.socket);
    await person.start('held');
    await eventually('it has begun', () => linesOf(mark).begun === 1);
    await first.end('SIGKILL');
    writeFileSync(`${site.path}/go`, '');
    await eventually('it is done', () => linesOf(mark).done === 1);
    const second = site.startAgent();
    await second.ready();
    await using again = await openPlainPerson(site.socket);
    await eventually('its ending is known', async () => {
      const { items } = (await again.call('jobs.list')) as { items: { last_run?: { status: string } }[] };
      return items[0]?.last_run?.status === 'completed';
    });
    expect(linesOf(mark)).toEqual({ begun: 1, done: 1 });
  });
});
