/**
 * What an agent holds stays flat, whatever it is given: descriptors, threads, files beside those of its runs, processes. One round is a
 * bit of everything; after it, when nothing is under way, the agent holds what it held before. `pnpm bench agent:soak` does it for hours.
 */
import { mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { expect, it } from 'vitest';
import { openPlainBroker, orderOf as plainOrderOf } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { ofProcess, openSite, processesOf, rounds, type Site } from './site.ts';

const server = (await natsServers())[0];
const hours = Number(process.env.KANADE_SOAK_HOURS ?? 0);

/** A round before this one may still make what is made once. */
const warmUp = 1;

interface Held {
  /** How many descriptors of each kind. */
  readonly fds: Readonly<Record<string, number>>;
  /** Files and directories that are watched. */
  readonly watches: number;
  readonly threads: number;
  /** Files of the agent that belong to no run, and what lies in the directory for temporary files. */
  readonly files: readonly string[];
  /** Processes that have to do with the place, beside the agent. */
  readonly processes: number;
}

function heldBy(pid: number, site: Site, temporary: string): Held {
  const fds: Record<string, number> = {};
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${fd}`);
    if (kind !== undefined) fds[kind] = (fds[kind] ?? 0) + 1;
  }
  const own = readdirSync(site.data, { recursive: true, encoding: 'utf8' }).filter((name) => !name.startsWith('jobs/'));
  return {
    fds,
    watches: watchesOf(pid),
    threads: Number(/^Threads:\s+(\d+)/m.exec(ofProcess(pid, 'status'))?.[1]),
    files: [...own, ...readdirSync(temporary).map((name) => `tmp/${name}`)].sort(),
    processes: processesOf(site.path).filter((other) => other !== pid).length,
  };
}

function watchesOf(pid: number): number {
  const infos = readdirSync(`/proc/${pid}/fdinfo`).map((fd) => ofProcess(pid, `fdinfo/${fd}`));
  return infos.join('').split('inotify wd:').length - 1;
}

/** `socket`, `pipe`, `anon_inode:[eventpoll]`, a path; nothing for one that was closed meanwhile. */
function kindOf(path: string): string | undefined {
  try {
    return readlinkSync(path).replace(/:\[\d+\]$/, '');
  } catch {
    return undefined;
  }
}

const megabytesOf = (pid: number, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(ofProcess(pid, 'smaps_rollup'))?.[1]) / 1000;

/** What the fleet gives: what succeeds, fails, prints much, is tried again, is stopped, comes too late, and is no order at all. */
async function orders(url: string, round: number): Promise<void> {
  await using operator = await openPlainBroker(url, ['results.>']);
  let count = 0;
  const orderOf = (script: string, more: object = {}) => {
    const name = `soak-${process.pid}-${round}-${++count}`;
    // All at once, however few processors there are.
    return plainOrderOf(script, { bypass_local_limit: true, id: name, request_id: name, exec_id: name, ...more });
  };
  const long = orderOf('echo here; exec sleep 600');
  const given = [
    ...Array.from({ length: 3 }, () => orderOf('echo hello')),
    orderOf('echo no >&2; exit 3', { retry: { max: 1, backoff_secs: 1 } }),
    orderOf('head -c 600000 /dev/zero | tr "\\0" x'),
    orderOf('true', { deadline_at: '2020-01-01T00:00:00Z' }),
    orderOf('exec sleep 600', { timeout_secs: 1 }),
    long,
  ];
  for (const order of given) await operator.publish(`commands.pc.pc-1.${order.id}`, order);
  await operator.publish('commands.pc.pc-1.nonsense', 'no order');
  await eventually('the long one prints', async () => {
    const answer = await operator.request(
      'job.tail.pc-1',
      JSON.stringify({ request_id: long.request_id, wait_ms: 5000 }),
    );
    return answer.includes('here');
  });
  // Held until the run is stopped: meanwhile its directory is watched.
  const more = { request_id: long.request_id, stdout_from: 'here\n'.length, stderr_from: 0, wait_ms: 20_000 };
  const ended = operator.request('job.tail.pc-1', JSON.stringify(more));
  await operator.request('logs.fetch.pc-1', JSON.stringify({ tail_lines: 5 }));
  operator.tell(`kill.${long.exec_id}`);
  expect(JSON.parse(await ended)).toMatchObject({ state: 'ended' });
  for (const { request_id, script } of given)
    await eventually(`the result of ${script}`, () =>
      operator.results().some((result) => result.request_id === request_id),
    );
}

/** What people do: one reads, starts and stays to the end, one starts and goes, one talks nonsense. */
async function people(site: Site): Promise<void> {
  {
    await using person = await openPlainPerson(site.socket);
    await person.call('jobs.list');
    await person.call('system.log_tail', { lines: 10 });
    await person.end(await person.start('short'));
  }
  {
    await using person = await openPlainPerson(site.socket);
    await person.start('short');
  }
  const talker = connect(site.socket).resume();
  await new Promise((resolve) => talker.once('error', resolve).once('close', resolve).write('\xff'.repeat(64)));
}

/** What is held now and was not before: descriptors of each kind, files, processes. Less is no fault: a connection may be away. */
function leftOver(now: Held, before: Held): string[] {
  const kinds = Object.entries(now.fds).filter(([kind, count]) => count > (before.fds[kind] ?? 0));
  return [
    ...kinds.map(([kind, count]) => `${count} ${kind}, there were ${before.fds[kind] ?? 0}`),
    ...now.files.filter((file) => !before.files.includes(file)),
    ...(now.watches > before.watches ? [`${now.watches} watches, there were ${before.watches}`] : []),
    ...(now.processes > 0 ? [`${now.processes} processes`] : []),
  ];
}

/** What is printed of a round: for the benchmark; no test looks at it. */
function figuresOf(pid: number, site: Site, { fds, watches, threads, files }: Held) {
  const runs = readdirSync(`${site.data}/jobs`);
  return {
    runs: runs.length,
    filesOfRuns: readdirSync(`${site.data}/jobs`, { recursive: true }).length - runs.length,
    fds: Object.values(fds).reduce((sum, count) => sum + count, 0),
    watches,
    threads,
    files: files.length,
    residentMb: megabytesOf(pid, 'Rss'),
    anonymousMb: megabytesOf(pid, 'Anonymous'),
    databaseMb: statSync(`${site.data}/agent.db`).size / 1e6,
  };
}

const soaking = async (): Promise<void> => {
  await using site = await openSite();
  await using broker = await startNatsServer({ path: server?.path ?? '' });
  const env = { KANADE_NATS_URL: broker.url };
  await site.answer(['fleet', 'setup'], { env });
  site.offer('short', 'echo hello');
  const temporary = `${site.path}/tmp`;
  mkdirSync(temporary);
  const agent = site.startAgent(['--server', broker.url], { env: { TMPDIR: temporary } });
  await agent.ready();
  const pid = Number(agent.child.pid);
  const look = (): Held => heldBy(pid, site, temporary);
  const figures: object[] = [];
  let before: Held | undefined;
  const startedMs = performance.now();
  const isOver = (round: number): boolean =>
    hours > 0 ? performance.now() - startedMs > hours * 3_600_000 : round >= warmUp + rounds(3);

  for (let round = 0; !isOver(round); round++) {
    await eventually('the agent answers', async () => (await site.answer(['fleet', 'ping', 'pc-1'], { env })).ok);
    await Promise.all([orders(broker.url, round), people(site)]);
    if (round % 3 === 0) await broker.restart('SIGKILL');
    if (round < warmUp) continue;
    before ??= await eventually('nothing runs', () => [look()].find(({ processes }) => processes === 0));
    const known = before;
    let left: string[] = [];
    await eventually('nothing but its runs is left', () => {
      left = leftOver(look(), known);
      return left.length === 0;
    }).catch(() => expect(left, `what is left of round ${round}`).toEqual([]));
    figures.push({ seconds: Math.round((performance.now() - startedMs) / 1000), ...figuresOf(pid, site, look()) });
  }
  expect(figures.length).toBeGreaterThan(1);
  if (process.env.KANADE_FIGURES) writeFileSync(process.env.KANADE_FIGURES, JSON.stringify(figures));
  expect((await agent.end('SIGTERM')).status).toBe(0);
};

it('a bit of everything, again and again, leaves nothing behind but its runs', soaking, hours * 3_600_000 + 240_000);
