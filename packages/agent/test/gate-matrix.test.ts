/** Every gate × every moment at which an order can meet it, on a real agent and a real broker: what is forbidden never runs, and says so. */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createKey, distrustKey, openSigner, type Signer, trustKey } from '@kanade/fleet/keys';
import type { Command } from '@kanade/shared/fleet';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openSite, type RunningAgent } from './agent-process.ts';
import { commandFor, type Operator, openOperator } from './operator.ts';
import { openPerson } from './person.ts';
import { knownRequests, queuedResults } from './records.ts';

/**
 * `live`: it comes when it is forbidden already. `missed`: it was sent, then forbidden, while the machine was away. `resumed`: it waits
 * for a place, its agent is killed, and it is forbidden before the next one starts. `jitter`, `place`: it is forbidden while it waits for
 * those; `… again`: and allowed again before it is their turn.
 */
const moments = ['live', 'missed', 'resumed', 'jitter', 'place', 'jitter again', 'place again'] as const;
type Moment = (typeof moments)[number];

/** What comes of it: an exit code; `nothing` where it is dropped without a result; `runs`. */
type Outcome = number | 'nothing' | 'runs';

interface Order {
  readonly target: string;
  readonly body: Command | object;
  readonly requestId: string;
  readonly by: Signer | undefined;
}

interface Gate {
  /** Undefined where it cannot be met at that moment. */
  outcome(moment: Moment): Outcome | undefined;
  order?(order: Order, moment: Moment, fleet: Fleet): Partial<Order>;
  allow?(fleet: Fleet, job: string): Promise<void> | void;
  forbid?(fleet: Fleet, job: string): Promise<void> | void;
}

const isWaiting = (moment: Moment): boolean => moment !== 'live' && moment !== 'missed';
const isAgain = (moment: Moment): boolean => moment.endsWith('again');
const command = ({ body }: Order): Command => body as Command;
/** Soon enough that it passes while an order waits, and passed already where it comes forbidden. */
const deadlineAt = (moment: Moment): string =>
  new Date(Date.now() + (moment === 'live' ? -1 : isWaiting(moment) ? 1_000 : 1)).toISOString();

const member = (bucket: 'agent_groups' | 'agent_groups_derived'): Gate => ({
  outcome: (moment) => (isWaiting(moment) ? 122 : 'nothing'),
  order: (order) => ({ target: `group.${command(order).id}` }),
  allow: (fleet, job) => fleet.group(bucket, (groups) => groups.add(job)),
  forbid: (fleet, job) => fleet.group(bucket, (groups) => groups.delete(job)),
});

const gates: Readonly<Record<string, Gate>> = {
  none: { outcome: (moment) => (isAgain(moment) ? undefined : 'runs') },
  revoked: {
    outcome: () => 126,
    allow: ({ operator }, job) => operator.put('script_status', job, 'ACTIVE'),
    forbid: ({ operator }, job) => operator.put('script_status', job, 'REVOKED'),
  },
  pinned: {
    outcome: () => 124,
    allow: ({ operator }, job) => operator.put('script_current', job, '1'),
    forbid: ({ operator }, job) => operator.put('script_current', job, '2'),
  },
  grouped: member('agent_groups'),
  derived: member('agent_groups_derived'),
  deadline: {
    outcome: (moment) => (isAgain(moment) ? undefined : 125),
    order: (order, moment) => ({ body: { ...command(order), deadline_at: deadlineAt(moment) } }),
  },
  envelope: {
    outcome: (moment) => (isAgain(moment) ? undefined : isWaiting(moment) ? 125 : 'nothing'),
    order: (order, moment) => ({
      body: {
        kind: 'kanade.command.v2',
        target_pc_id: 'pc-1',
        expires_at: deadlineAt(moment),
        command: command(order),
      },
    }),
  },
  unsigned: {
    outcome: (moment) => (isWaiting(moment) ? undefined : 123),
    order: () => ({ by: undefined }),
  },
  distrusted: {
    // Judged when it is its turn: a ring that is damaged for a moment ends nothing.
    outcome: (moment) => (isAgain(moment) || moment === 'jitter' || moment === 'place' ? undefined : 123),
    order: (_, __, { signer }) => ({ by: signer('leaver') }),
    forbid: ({ distrust }) => distrust(),
  },
  unknown: {
    outcome: (moment) => (isWaiting(moment) ? undefined : 'nothing'),
    order: (order) => ({ body: { ...command(order), kind: 'kanade.command.v9' } }),
  },
  undone: {
    outcome: (moment) => (isWaiting(moment) ? undefined : 122),
    order: (order) => ({ body: { ...command(order), run_as: 'system_gui' } }),
  },
};

/** A person's click on a job of the fleet that was forbidden a moment ago. The catalogue is current by definition: no pin. */
const clicks: Readonly<Record<string, 'runs' | 'Unauthorized'>> = {
  none: 'runs',
  revoked: 'Unauthorized',
  pinned: 'runs',
  grouped: 'Unauthorized',
  derived: 'Unauthorized',
};

interface Fleet {
  readonly operator: Operator;
  readonly ring: string;
  signer(kid: string): Signer;
  /** The ring does not trust one of the two keys any more. */
  distrust(): void;
  group(bucket: string, change: (groups: Set<string>) => unknown): Promise<void>;
}

async function openFleet(path: string) {
  const broker = await startNatsServer({ path });
  onTestFinished(() => broker[Symbol.asyncDispose]());
  const operator = await openOperator(broker.url);
  await operator.addBucket('agent_groups_derived');
  const site = await openSite();
  chmodSync(site.path, 0o755);
  const [keys, ring] = [join(site.path, 'keys'), join(site.path, 'ring.json')];
  for (const kid of ['ops', 'leaver']) trustKey(ring, createKey({ dir: keys, kid }).trusted, true);
  const signers = new Map(['ops', 'leaver'].map((kid) => [kid, openSigner(keys, kid) as Signer]));
  const trusted = new Set(signers.keys());
  const groups = new Map<string, Set<string>>();
  const fleet: Fleet = {
    operator,
    ring,
    signer: (kid) => signers.get(kid) as Signer,
    distrust: () => {
      if (trusted.delete('leaver')) distrustKey(ring, 'leaver');
    },
    async group(bucket, change) {
      const set = groups.get(bucket) ?? new Set();
      groups.set(bucket, set);
      change(set);
      await operator.put(bucket, 'pc-1', JSON.stringify({ groups: [...set].sort() }));
    },
  };
  return { ...fleet, fleet, broker, site };
}

interface Cell {
  readonly name: string;
  readonly gate: Gate;
  readonly moment: Moment;
  readonly outcome: Outcome;
  readonly job: string;
  /** Set when it was sent. */
  requestId: string;
}

const cells = (): Cell[] =>
  Object.entries(gates).flatMap(([name, gate]) =>
    moments.flatMap((moment) => {
      const outcome = gate.outcome(moment);
      const job = `${name}-${moment.replace(' ', '-')}`;
      return outcome === undefined ? [] : [{ name: `${name}, ${moment}`, gate, moment, outcome, job, requestId: '' }];
    }),
  );

const [newest] = (await natsServers()).slice(-1);

describe('gates × moments', () => {
  it('what is forbidden never runs, whenever it is, and says so at once', async () => {
    const { fleet, operator, site, broker, signer } = await openFleet(newest?.path ?? '');
    const all = cells();
    const at = (...wanted: Moment[]): Cell[] => all.filter(({ moment }) => wanted.includes(moment));
    const [ran, go] = [join(site.path, 'ran'), join(site.path, 'go')];
    const send = async (order: Order, job: string): Promise<void> => {
      const text = JSON.stringify(order.body);
      const headers = order.by?.sign(new TextEncoder().encode(text), Date.now()) ?? {};
      await operator.order(`commands.${order.target}.${job}`, text, headers);
    };
    const plain = (script: string, more: Partial<Command>): Order => {
      const body = commandFor(script, more);
      return { target: 'pc.pc-1', body, requestId: body.request_id, by: signer('ops') };
    };
    const order = async (cell: Cell): Promise<void> => {
      const { moment, job } = cell;
      const jitter = moment.startsWith('jitter') && { jitter_secs: cell.outcome === 'runs' ? 2 : 86_400 };
      const base = plain(`echo ${job} >> '${ran}'`, { id: job, ...jitter });
      cell.requestId = base.requestId;
      await send({ ...base, ...cell.gate.order?.(base, moment, fleet) }, job);
    };
    const forbid = async (some: readonly Cell[]): Promise<void> => {
      for (const { gate, job } of some) await gate.forbid?.(fleet, job);
    };
    const allow = async (some: readonly Cell[]): Promise<void> => {
      for (const { gate, job } of some) await gate.allow?.(fleet, job);
    };
    const results = (some: readonly Cell[]) =>
      eventually('the results', async () => {
        const found = new Map((await operator.results()).map((result) => [result.request_id, result]));
        return some.every(({ requestId }) => found.has(requestId)) && found;
      });
    const expectRefused = async (some: readonly Cell[]): Promise<void> => {
      const refused = some.filter(({ outcome }) => typeof outcome === 'number');
      const found = await results(refused);
      expect(refused.map(({ name, requestId }) => [name, found.get(requestId)?.exit_code])).toEqual(
        refused.map(({ name, outcome }) => [name, outcome]),
      );
    };
    const start = async (): Promise<RunningAgent> => {
      let agent: RunningAgent | undefined;
      await operator.beat('pc-1', async () => {
        agent = await site.start({ args: ['--server', broker.url, '--command-keys', fleet.ring] });
      });
      return agent as RunningAgent;
    };
    const taken = (some: readonly Cell[]) =>
      eventually('the orders to be taken', () => {
        const known = knownRequests(site.data);
        return some.every(({ requestId }) => known.includes(requestId));
      });

    await allow(all);
    const first = await start();
    const blockers = Array.from({ length: availableParallelism() }, (_, index) =>
      plain(`while [ ! -e '${go}' ]; do sleep 0.05; done`, { id: `blocker-${index}` }),
    );
    for (const blocker of blockers) await send(blocker, command(blocker).id);
    for (const { requestId } of blockers) await operator.started(requestId);

    const waiting = at('jitter', 'place', 'jitter again', 'place again');
    for (const cell of [...waiting, ...at('resumed')]) await order(cell);
    await taken([...waiting, ...at('resumed')]);
    await forbid(waiting);
    await allow(at('jitter again', 'place again'));
    await expectRefused(waiting);

    await forbid(at('live').filter(({ gate }) => gate !== gates.distrusted));
    for (const cell of at('live').filter(({ gate }) => gate !== gates.distrusted)) await order(cell);
    await expectRefused(at('live').filter(({ gate }) => gate !== gates.distrusted));

    const person = await openPerson(site.socket);
    for (const [name, outcome] of Object.entries(clicks)) {
      const [gate, job] = [gates[name], `${name}-click`];
      const visible_to = gate?.order ? { groups: [job] } : { all: true }; // those of groups are addressed by them
      const execute = { shell: 'sh', timeout: '1m', script: 'true' };
      const client = { name, category: 'tests', visible_to };
      await gate?.allow?.(fleet, job);
      await operator.put('jobs', job, JSON.stringify({ id: job, version: '1', execute, client }));
      const told = { name, run: (await person.end(await person.start(job))).exit_code };
      expect(told).toEqual({ name, run: 0 });
      await gate?.forbid?.(fleet, job);
      const again = person.start(job);
      if (outcome === 'runs') expect(await person.end(await again)).toMatchObject({ exit_code: 0 });
      else await expect(again, name).rejects.toMatchObject({ kind: outcome });
    }
    await person.close();

    await first.end('SIGKILL');
    for (const cell of at('missed')) await order(cell);
    await forbid(at('missed', 'resumed'));
    const second = await start();
    await expectRefused(at('missed', 'resumed'));
    for (const cell of at('live').filter(({ gate }) => gate === gates.distrusted)) {
      await order(cell);
      await expectRefused([cell]);
    }

    // Strict: the broker goes while one waits for its place, and is not there at all when another is taken up.
    const strict = ['strict-place', 'strict-resumed'].map((id) =>
      plain(`echo ${id} >> '${ran}'`, { id, staleness: { mode: 'strict', max_cache_age: '0s' } }),
    );
    expect(existsSync(ran)).toBe(false);
    await send(plain(`touch '${go}'`, { id: 'go', bypass_local_limit: true }), 'go');
    const allowed = all.filter(({ outcome }) => outcome === 'runs');
    const found = await results(allowed);
    expect(allowed.map(({ requestId }) => found.get(requestId)?.exit_code)).toEqual(allowed.map(() => 0));
    const still = plain(`while [ -e '${go}' ]; do sleep 0.05; done`, {});
    for (let index = 0; index < availableParallelism(); index++) {
      const id = `still-${index}`;
      const body = { ...command(still), id, request_id: id, exec_id: id };
      await send({ ...still, body }, id);
      await operator.started(id);
    }
    for (const one of strict) await send(one, command(one).id);
    await eventually('the strict orders to be taken', () =>
      strict.every(({ requestId }) => knownRequests(site.data).includes(requestId)),
    );
    await broker[Symbol.asyncDispose]();
    await second.end('SIGKILL');
    await site.start({ args: ['--command-keys', fleet.ring] });
    const refused = await eventually('the strict orders to be refused', () => {
      const results = queuedResults(site.data).filter(({ exit_code }) => exit_code === 127);
      return results.length === strict.length && results;
    });
    expect(refused.map(({ request_id }) => request_id).sort()).toEqual(strict.map(({ requestId }) => requestId).sort());

    const jobs = allowed.map(({ job }) => job);
    expect(readFileSync(ran, 'utf8').trim().split('\n').sort()).toEqual(jobs.sort());
  }, 120_000);
});
