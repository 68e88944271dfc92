/**
 * The wall clock jumps while jobs run, an hour or ten years, either way: deadlines and waits neither come early nor late, and nothing that
 * waits to be delivered is given up. The clock of the program is moved, the one of the machine stays.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually, natsServers, startNatsServer } from '@kanade/testkit';
import { describe, expect, it } from 'vitest';
import { openPlainBroker, orderOf } from './plain-broker.ts';
import { openPlainPerson } from './plain-person.ts';
import { openSite, programsOf, type Site, workloadsOf } from './site.ts';

const hourMs = 3_600_000;
const yearMs = 365.25 * 24 * hourMs;
const jumps = [
  ['an hour forward', hourMs],
  ['an hour back', -hourMs],
  ['ten years forward', 10 * yearMs],
  ['ten years back', -10 * yearMs],
] as const;

/** The environment of a program with a clock of its own, and the jump of that clock. */
function clockOf(site: Site) {
  const preload = fileURLToPath(new URL('./clock.cjs', import.meta.url));
  const file = `${site.path}/clock`;
  return {
    env: { CLOCK_FILE: file, NODE_OPTIONS: `--require ${preload}`, BUN_OPTIONS: `--preload ${preload}` },
    jump: (byMs: number) => writeFileSync(file, String(byMs)),
  };
}

/** A deadline may be seen so many s later than it came on a busy machine; one that went with the jump comes never, or at once. */
const slackSeconds = 100;

// They mostly wait: all of them at once take hardly longer than one.
describe.concurrent.each(jumps)('%s', (_name, byMs) => {
  it('a local deadline, watched by a keeper', async () => {
    await using site = await openSite();
    const { env, jump } = clockOf(site);
    const beganMs = performance.now();
    const words = [
      'run',
      '--no-wait',
      '--timeout',
      '3',
      '--kill-after',
      '1',
      '--',
      'sh',
      '-c',
      'echo begun; sleep 600',
    ];
    const run = await site.answer(words, { env });
    await eventually('it has begun', () => readFileSync(String(run.stdout_log_path), 'utf8') !== '');
    const isOver = (): boolean => workloadsOf(site.root).length === 0;
    await eventually('a keeper has taken it', () => programsOf(site.root).length > 0 || isOver());
    jump(byMs);
    await eventually('it is over', isOver);
    const seconds = (performance.now() - beganMs) / 1000;
    expect(seconds).toBeGreaterThan(2.9);
    expect(seconds).toBeLessThan(3 + slackSeconds);
    // Its processes are gone before the shim has said so: whoever waits is told when it is known.
    const ended = await site.answer(['wait', String(run.job_id)], { env });
    expect(ended, JSON.stringify(ended)).toMatchObject({ ending: 'timed_out' });
  });

  it('a call that observes: it ends when it was told to', async () => {
    await using site = await openSite();
    const { env, jump } = clockOf(site);
    const beganMs = performance.now();
    const observing = site.start(['run', '--until', '2', '--', 'sleep', '600'], { env });
    await eventually('it has begun', () => workloadsOf(site.root).length > 0);
    jump(byMs);
    const { stdout } = await observing.ended;
    const seconds = (performance.now() - beganMs) / 1000;
    expect(seconds).toBeGreaterThan(1.9);
    expect(seconds).toBeLessThan(2 + slackSeconds);
    const answer = JSON.parse(stdout) as { job_id: string; state: string; elapsed_ms: number };
    expect(answer.state).toBe('running');
    expect(answer.elapsed_ms).toBeGreaterThanOrEqual(0);
    expect(answer.elapsed_ms).toBeLessThan(60_000);
    await site.answer(['kill', answer.job_id], { env });
  });

  it('an agent: the deadline of a click comes when it is due, that of another does not come with it', async () => {
    await using site = await openSite();
    const { env, jump } = clockOf(site);
    site.offer('long', 'echo begun; sleep 600', '3s');
    site.offer('longer', 'echo begun; sleep 600', '600s');
    const first = site.startAgent([], { env });
    await first.ready();
    const beganMs = performance.now();
    await using person = await openPlainPerson(site.socket);
    const longer = await person.start('longer');
    const run = await person.start('long');
    await eventually('both have begun', () => person.pushes(run).length > 0 && person.pushes(longer).length > 0);
    jump(byMs);
    expect(await person.end(run)).toMatchObject({ status: 'failed', stderr_chunk: expect.stringContaining('timeout') });
    const seconds = (performance.now() - beganMs) / 1000;
    expect(seconds).toBeGreaterThan(2.9);
    expect(seconds).toBeLessThan(3 + slackSeconds);
    expect(person.pushes(longer).some(({ status }) => status !== 'running' && status !== 'queued')).toBe(false);
    expect(first.child.exitCode).toBe(null);
  });
});

it('ten years forward: what waits for the broker is delivered all the same, and a new order runs', async () => {
  const server = (await natsServers()).at(-1);
  await using broker = await startNatsServer({ path: server?.path ?? '' });
  await using site = await openSite();
  const { env, jump } = clockOf(site);
  await site.answer(['fleet', 'setup'], { env: { KANADE_NATS_URL: broker.url } });
  site.offer('quick', 'echo clicked');
  await broker.stop();
  const agent = site.startAgent(['--server', broker.url], { env });
  await agent.ready();
  await using person = await openPlainPerson(site.socket);
  expect(await person.end(await person.start('quick'))).toMatchObject({ status: 'completed' });
  jump(10 * yearMs);
  expect(await person.end(await person.start('quick'))).toMatchObject({ status: 'completed' });
  await broker.restart();
  await using operator = await openPlainBroker(broker.url, ['results.>']);
  await eventually(
    'both results come',
    () => operator.results().filter(({ stdout }) => stdout === 'clicked\n').length === 2,
  );
  const order = orderOf('echo ordered');
  await operator.publish('commands.pc.pc-1', order);
  await eventually('the order ran', () => operator.results().some(({ stdout }) => stdout === 'ordered\n'));
  expect(existsSync(`${site.data}/jobs`)).toBe(true);
});
